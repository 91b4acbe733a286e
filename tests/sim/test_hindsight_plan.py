"""Plans in hindsight, against all request sets that there are."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.policies.hindsight_plan import HindsightPlanner

COUNT = 14
"""Candidates: some ranks lie beyond the cutoff of 10."""


@dataclass
class RankTable:
    """An outcome table of which only ranks are known."""

    steps: int
    rank: np.ndarray
    candidate_count: int = COUNT

    @property
    def cell_offset(self):
        first_step = np.concatenate((np.arange(self.steps), (0, 0)))
        cells = self.steps - first_step
        return np.cumsum(cells) - cells - first_step


def random_table(seed, users, steps, hit_share=0.6):
    generator = np.random.default_rng(seed)
    cells = (users, steps * (steps + 1) // 2 + 2 * steps)
    rank = generator.integers(1, COUNT + 1, cells, dtype=np.uint8)
    rank[generator.random(cells) > hit_share] = 0
    return RankTable(steps, rank)


def hindsight(table, delay=0, first_row=None, steps=None):
    users = len(table.rank)
    return HindsightPlanner(
        table,
        user=np.arange(users),
        steps=np.full(users, table.steps) if steps is None else np.asarray(steps),
        first_row=table.steps if first_row is None else first_row,
        delay_steps=delay,
    )


def ndcg(table, user, requests, delay, first_row=None, steps=None):
    """Live through one session, plainly."""
    held = table.steps if first_row is None else first_row
    total = 0.0
    for step in range(table.steps if steps is None else steps):
        shown = held
        if requests[step]:
            held = step
            shown = held if delay == 0 else shown
        rank = int(table.rank[user, table.cell_offset[shown] + step])
        total += 1 / np.log2(1 + rank) if 1 <= rank <= 10 else 0.0
    return total


def total(table, requests, delay):
    return sum(ndcg(table, user, row, delay) for user, row in enumerate(requests))


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(1, 8),
    delay=st.sampled_from([0, 1]),
    price=st.sampled_from([-0.3, 0.0, 0.05, 0.4, 1.0, 2.5]),
    popular_first=st.booleans(),
    data=st.data(),
)
def test_no_request_set_is_better(seed, steps, delay, price, popular_first, data):
    table = random_table(seed, 2, steps)
    first_row = steps + popular_first
    lived = data.draw(st.lists(st.integers(1, steps), min_size=2, max_size=2))
    plan = hindsight(table, delay, first_row, lived).plan(price)
    for user in range(2):
        assert not plan[user, lived[user] :].any()
        sets = [
            np.array(chosen + (False,) * (steps - lived[user]))
            for chosen in product((False, True), repeat=lived[user])
        ]
        worth = [
            ndcg(table, user, chosen, delay, first_row, lived[user]) - price * chosen.sum()
            for chosen in sets
        ]
        found = ndcg(table, user, plan[user], delay, first_row, lived[user])
        assert found - price * plan[user].sum() == pytest.approx(max(worth), abs=1e-9)
        best = [
            int(chosen.sum())
            for chosen, value in zip(sets, worth, strict=True)
            if value > max(worth) - 1e-10
        ]
        assert plan[user].sum() == min(best)


def test_a_case_by_hand():
    # The first list never hits. The list of step 1 hits at steps 1 and 2, first in the list; that
    # of step 2 hits at step 2 alone. A delay of one step takes the hit at step 1 away.
    table = RankTable(3, np.zeros((1, 12), np.uint8))
    for row, step in [(1, 1), (1, 2), (2, 2)]:
        table.rank[0, table.cell_offset[row] + step] = 1
    assert hindsight(table, 0).plan(0.5).tolist() == [[False, True, False]]
    assert hindsight(table, 1).plan(0.5).tolist() == [[False, True, False]]
    assert hindsight(table, 0).plan(1.5).tolist() == [[False, True, False]]
    assert hindsight(table, 1).plan(1.5).tolist() == [[False, False, False]]


@pytest.mark.parametrize("delay", [0, 1])
def test_prices_without_end_ask_never_and_always(delay):
    table = random_table(3, 5, 6)
    assert not hindsight(table, delay).plan(np.inf).any()
    assert hindsight(table, delay).plan(-np.inf).all()


def test_at_no_price_only_requests_that_bring_something_are_made():
    table = RankTable(4, np.full((3, 18), 2, np.uint8))  # every list shows the same
    assert not hindsight(table).plan(0.0).any()


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    frequency=st.floats(0, 1),
    delay=st.sampled_from([0, 1]),
)
def test_no_plan_of_as_many_requests_lies_above(seed, frequency, delay):
    users, steps = 12, 7
    table = random_table(seed, users, steps)
    plan = hindsight(table, delay).plan_of_frequency(frequency)
    wanted = round(frequency * users * steps)
    made = int(plan.requests.sum())
    assert plan.frequency == pytest.approx(made / (users * steps))
    assert wanted - steps < made <= wanted
    reached = total(table, plan.requests, delay)
    generator = np.random.default_rng(seed)
    for _ in range(20):
        other = np.zeros(users * steps, bool)
        other[generator.permutation(users * steps)[:made]] = True
        assert total(table, other.reshape(users, steps), delay) <= reached + 1e-6


def test_the_hull_is_concave_and_ends_where_all_or_none_is_asked():
    table = random_table(1, 40, 8)
    search = hindsight(table)
    plans = [search.plan_of_frequency(frequency) for frequency in np.linspace(0, 1, 21)]
    made = np.array([int(plan.requests.sum()) for plan in plans])
    value = np.array([total(table, plan.requests, 0) for plan in plans])
    assert (np.diff(np.diff(value) / np.diff(made)) < 1e-6).all()
    assert not plans[0].requests.any()
    assert plans[-1].requests.all()
    price = [plan.price for plan in plans]
    assert price == sorted(price, reverse=True)


def test_one_device_of_a_user_asks_like_another():
    table = random_table(5, 2, 6)
    user = np.array([1, 0, 1])
    plan = HindsightPlanner(table, user, np.array([6, 6, 3]), 6, 0).plan(0.2)
    assert (plan[:2] == hindsight(table).plan(0.2)[[1, 0]]).all()
    assert not plan[2, 3:].any()
