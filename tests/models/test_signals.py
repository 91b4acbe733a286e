"""Signals of single lists: by hand, against their plain definitions, and their properties."""

from collections.abc import Callable

import numpy as np
import plain_signals
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.signals.certainty import entropy, margin
from models.signals.kendall import CELLS, kendall_agreement
from models.signals.names import named
from models.signals.overlap import rank_biased_overlap, top_overlap
from models.signals.taken import taken_share

AGREEMENTS = [kendall_agreement, rank_biased_overlap, top_overlap]
PLAIN = {
    kendall_agreement: plain_signals.kendall,
    rank_biased_overlap: plain_signals.rank_biased_overlap,
    top_overlap: plain_signals.top_overlap,
}
Measure = Callable[..., np.ndarray]


def agreement(measure: Measure, first: list[int], second: list[int]) -> float:
    left = np.ones(len(first), bool)
    return float(measure(np.array(first), np.array(second), left))


def random_ranks(cells: int, items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ranks among the items left of two orders; dropped ones have others' ranks, or none's."""
    random = np.random.default_rng(items)
    left = random.random((cells, items)) < random.random((cells, 1))
    ranks = []
    for _ in range(2):
        order = np.argsort(random.random((cells, items)), axis=1)
        rank = np.cumsum(np.take_along_axis(left, order, axis=1), axis=1)
        ranks.append(np.take_along_axis(rank, np.argsort(order, axis=1), axis=1))
    return ranks[0], ranks[1], left


@pytest.mark.parametrize("items", [2, 7, 50, 255, 300])
def test_kendall_is_that_of_scipy(items: int) -> None:
    first, second, left = random_ranks(60, items)
    found = kendall_agreement(first, second, left)
    assert found.dtype == np.float32
    for cell, value in enumerate(found):
        kept = left[cell]
        if kept.sum() < 2:
            assert value == 1.0
            continue
        tau = stats.kendalltau(first[cell, kept], second[cell, kept], variant="b").statistic
        assert value == pytest.approx((1 + tau) / 2, abs=1e-6)


def test_more_cells_than_are_compared_at_a_time() -> None:
    first, second, left = random_ranks(CELLS + 50, 4)
    found = kendall_agreement(first, second, left)
    for part in (slice(50), slice(CELLS - 25, CELLS + 25), slice(CELLS, None)):
        alone = kendall_agreement(first[part], second[part], left[part])
        np.testing.assert_array_equal(found[part], alone)
    shape = (2, -1, 4)
    folded = kendall_agreement(first.reshape(shape), second.reshape(shape), left.reshape(shape))
    np.testing.assert_array_equal(folded.ravel(), found)


@pytest.mark.parametrize("measure", AGREEMENTS)
@pytest.mark.parametrize("items", [2, 12, 50])
def test_agreements_are_what_their_definitions_say(measure: Measure, items: int) -> None:
    first, second, left = random_ranks(60, items)
    found = measure(first, second, left)
    for cell, value in enumerate(found):
        kept = np.flatnonzero(left[cell])
        orders = [kept[np.argsort(rank[cell, kept])].tolist() for rank in (first, second)]
        expected = PLAIN[measure](*orders) if len(kept) > 1 else 1.0
        assert value == pytest.approx(expected, abs=1e-6)


def test_agreements_by_hand() -> None:
    # 1 of 6 pairs is placed the other way round.
    assert agreement(kendall_agreement, [1, 2, 3, 4], [2, 1, 3, 4]) == pytest.approx(5 / 6)
    # X_1 = 0, X_2 = 2: 1/9 * (0 + 2 / 2 * 0.81) + 0.81
    assert agreement(rank_biased_overlap, [1, 2], [2, 1]) == pytest.approx(0.09 + 0.81)
    first = list(range(1, 13))
    assert agreement(top_overlap, first, first[::-1]) == pytest.approx(0.8)
    assert agreement(top_overlap, first[:10], first[9::-1]) == 1.0


@pytest.mark.parametrize("n", [2, 3, 50])
def test_kendall_of_the_reverse_order_is_zero(n: int) -> None:
    order = list(range(1, n + 1))
    assert agreement(kendall_agreement, order, order[::-1]) == 0.0


@pytest.mark.parametrize("measure", AGREEMENTS)
@given(
    st.permutations(range(1, 13)),
    st.permutations(range(1, 13)),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_agreements_are_symmetric_and_1_for_the_same_order(
    measure: Measure, first: list[int], second: list[int], left: list[bool]
) -> None:
    kept = np.array(left)
    ranks = []
    for order in (first, second):
        rank = np.zeros(12, int)
        rank[kept] = stats.rankdata(np.array(order)[kept])
        ranks.append(rank)
    value = measure(*ranks, kept)
    assert value == measure(*reversed(ranks), kept)
    assert 0.0 <= value <= 1.0
    assert measure(ranks[0], ranks[0], kept) == 1.0


@pytest.mark.parametrize("measure", AGREEMENTS)
@pytest.mark.parametrize("left", [[False, False], [True, False]])
def test_fewer_than_two_items_agree(measure: Measure, left: list[bool]) -> None:
    assert float(measure(np.array([1, 2]), np.array([2, 1]), np.array(left))) == 1.0


LOGITS = st.lists(
    st.floats(-1000, 1000, width=32).map(lambda x: round(x, 2)), min_size=1, max_size=9
)


@given(LOGITS, st.data())
def test_certainty_is_what_its_definitions_say(logits: list[float], data: st.DataObject) -> None:
    size = len(logits)
    left = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    logit = np.array(logits, np.float32)
    expected = plain_signals.of_logits(logit[left].astype(float).tolist())
    for measure in (entropy, margin):
        value = measure(logit, left)
        assert value.dtype == np.float32
        assert value == pytest.approx(expected[measure.__name__], abs=2e-6)
        assert 0.0 <= value <= 1.0


def test_certainty_by_hand() -> None:
    left = np.array([True, True, True, False])
    alike = np.array([2.0, 2.0, 2.0, 9.0], np.float32)
    assert (entropy(alike, left), margin(alike, left)) == (pytest.approx(1.0), 0.0)
    sure = np.array([0.0, 500.0, 0.0, 900.0], np.float32)
    assert (entropy(sure, left), margin(sure, left)) == (0.0, 1.0)
    three_to_one = np.array([np.log(3), 0.0], np.float32)
    both = np.ones(2, bool)
    assert margin(three_to_one, both) == pytest.approx(0.5)
    assert entropy(three_to_one, both) == pytest.approx(0.811278, abs=1e-6)  # in bits


@pytest.mark.parametrize("left", [[False, False], [True, False]])
def test_of_fewer_than_two_items_one_is_sure_and_unsure(left: list[bool]) -> None:
    logit = np.array([3.0, 1.0], np.float32)
    assert (entropy(logit, np.array(left)), margin(logit, np.array(left))) == (1.0, 1.0)


def test_the_share_taken_is_per_step_and_0_of_a_fresh_list() -> None:
    share = taken_share(np.array([0, 0, 1, 3]), np.array([0, 2, 2, 4]))
    assert share.dtype == np.float32
    assert share.tolist() == [0.0, 0.0, 0.5, 0.75]


def test_unknown_names_are_refused_with_those_that_there_are() -> None:
    with pytest.raises(KeyError, match="no signal 'spearman'; accepted: kendall, margin"):
        named({"kendall": 1, "margin": 2}, "spearman")
