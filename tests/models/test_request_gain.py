"""Predictions of what a fresh list gains, where the gain was planted."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from models.outcomes import Outcomes, OutcomeShape, OutcomeWriter
from models.request_gain import Known, predicted_gain

STEPS, COUNT = 6, 10


@pytest.fixture
def store(tmp_path_factory):
    """Return a function that writes an outcome store from some of its columns."""

    def write(users, **columns):
        shape = OutcomeShape(users, STEPS, COUNT)
        zeros = {name: np.zeros(size, dtype) for name, (size, dtype) in shape.columns().items()}
        directory = tmp_path_factory.mktemp("outcomes")
        writer = OutcomeWriter(directory, shape)
        writer.write(np.arange(users), zeros | columns)
        writer.close()
        return Outcomes(directory, shape)

    return write


def rows_and_steps(offset):
    """Return the row and the step of each cell."""
    cells = [(r, t) for r in range(STEPS + 2) for t in range(r if r < STEPS else 0, STEPS)]
    row, step = np.array(cells).T
    assert (offset[row] + step == np.arange(len(cells))).all()
    return row, step


def planted(store, users, seed=0):
    """Write a store in which lists fade with age, and only where the SRM's order has changed.

    A fresh list always hits at rank 1. Returns the store and the expected gain of each cell now.
    """
    generator = np.random.default_rng(seed)
    row, step = rows_and_steps(store(1).cell_offset)
    changed = generator.random((users, len(row))).astype(np.float32)
    age = np.where(row < STEPS, step - row, step + 1)
    fades = np.where(row == step, 0.0, np.minimum(0.15 * age, 0.9) * changed)
    rank = (generator.random(fades.shape) >= fades).astype(np.uint8)
    outcomes = store(users, rank_3=rank, signal_self_consistency=1 - changed)
    return outcomes, fades, row, step


def halves(users):
    return np.arange(users) % 2


def known(users):
    return Known(np.full(users, 50), first_list_age_steps=1)


def test_recovers_a_planted_gain(store):
    outcomes, fades, row, step = planted(store, 1500)
    predicted = predicted_gain(outcomes, 3, halves(1500), known(1500))
    assert predicted.shape == fades.shape
    assert predicted.dtype == np.float32
    assert (predicted[:, row == step] == 0).all()
    # At the last step nothing but this step's own gain is ahead.
    last = (step == STEPS - 1) & (row <= STEPS) & (row != step)
    held = (row <= STEPS) & (row != step)
    assert np.corrcoef(predicted[:, held].ravel(), fades[:, held].ravel())[0, 1] > 0.8
    assert predicted[:, last].mean() == pytest.approx(fades[:, last].mean(), abs=0.1)


def test_the_target_is_the_mean_gain_of_the_coming_steps(store):
    # Lists of the replay always hit at rank 1, the popular one from step 3 on: at its steps 0 to 5
    # a fresh list gains 1 in 3, 2, 1, 0, 0, 0 of the next 4, 4, 4, 3, 2, 1 steps.
    row, step = rows_and_steps(store(1).cell_offset)
    hits = (row < STEPS) | ((row == STEPS + 1) & (step >= 3))
    users = 400
    outcomes = store(users, rank_3=np.broadcast_to(hits.astype(np.uint8), (users, len(row))))
    predicted = predicted_gain(outcomes, 3, halves(users), known(users))
    # Features tell step 0 from the others (nothing was taken before it), and these not apart.
    others = (2 + 1) / (4 + 4 + 3 + 2 + 1)
    assert predicted[0, row == STEPS + 1] == pytest.approx([3 / 4] + 5 * [others], abs=0.01)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(user=st.integers(0, 59), seed=st.integers(0, 99))
def test_what_a_user_does_later_changes_no_prediction_of_its_half(store, user, seed):
    outcomes, _, _, _ = planted(store, 60, seed)
    before = predicted_gain(outcomes, 3, halves(60), known(60))
    rank = np.array(outcomes.rank_by_fusion(3))
    rank[user] = 1 - rank[user]
    changed = store(60, rank_3=rank, signal_self_consistency=outcomes.signal("self_consistency"))
    after = predicted_gain(changed, 3, halves(60), known(60))
    own_half = halves(60) == user % 2
    assert (after[own_half] == before[own_half]).all()
    assert (after[~own_half] != before[~own_half]).any()


def test_the_number_of_threads_changes_no_byte(store):
    outcomes, _, _, _ = planted(store, 400)
    results = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads):
            results.append(predicted_gain(outcomes, 3, halves(400), known(400)).tobytes())
    assert len(set(results)) == 1


def test_nothing_is_learned_where_nobody_teaches(store):
    outcomes, _, _, _ = planted(store, 10)
    predicted = predicted_gain(outcomes, 3, np.zeros(10, np.int64), known(10))
    assert not predicted.any()


def test_each_part_is_taught_by_the_others_and_who_is_left_out_by_nobody(store):
    outcomes, _, _, _ = planted(store, 90)
    part = np.arange(90) % 3
    whole = predicted_gain(outcomes, 3, part, known(90))
    first = predicted_gain(outcomes, 3, np.where(part == 0, 0, 1), known(90))
    assert (whole[part == 0] == first[part == 0]).all()
    without = predicted_gain(outcomes, 3, np.where(part == 2, -1, part), known(90))
    assert not without[part == 2].any()
    rank = np.array(outcomes.rank_by_fusion(3))
    rank[part == 2] = 1 - rank[part == 2]
    same = outcomes.signal("self_consistency")
    changed = store(90, rank_3=rank, signal_self_consistency=same)
    again = predicted_gain(changed, 3, np.where(part == 2, -1, part), known(90))
    assert (again == without).all()


def test_an_interaction_that_surprised_the_model_is_a_feature(store):
    # After a surprise every old list is worthless, and nothing else tells.
    generator = np.random.default_rng(0)
    row, step = rows_and_steps(store(1).cell_offset)
    users = 600
    full_rank = np.where(generator.random((users, STEPS)) < 0.5, 1, 1000).astype(np.int32)
    surprised = np.concatenate((np.zeros((users, 1), bool), full_rank[:, :-1] > 1), axis=1)
    rank = ((row == step) | ~surprised[:, step]).astype(np.uint8)
    outcomes = store(users, rank_3=rank, full_rank_srm=full_rank)
    predicted = predicted_gain(outcomes, 3, halves(users), known(users))
    held = (row != step) & (row < STEPS)
    after, calm = held & (step > 0), surprised[:, step]
    assert predicted[:, after][calm[:, after]].mean() > predicted[:, after][~calm[:, after]].mean()


def test_users_are_predicted_in_any_portions(store, monkeypatch):
    outcomes, _, _, _ = planted(store, 60)
    whole = predicted_gain(outcomes, 3, halves(60), known(60))
    monkeypatch.setattr("models.request_gain.CELLS_AT_A_TIME", 100)
    assert (predicted_gain(outcomes, 3, halves(60), known(60)) == whole).all()
