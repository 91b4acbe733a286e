import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from workloads.weighted_choice import weighted_choice


@pytest.mark.parametrize("positions", [1, 2, 3, 7, 16, 50])
def test_positions_come_in_proportion_to_their_weights(positions):
    generator = np.random.default_rng(positions)
    weights = generator.exponential(size=positions) + 0.05
    rows = 40_000
    chosen, found = weighted_choice(np.tile(weights, (rows, 1)), generator.random(rows))
    expected = rows * weights / weights.sum()
    assert found.all()
    if positions > 1:
        assert stats.chisquare(np.bincount(chosen, minlength=positions), expected).pvalue > 1e-3


def test_inversion_by_hand():
    weights = np.tile([1.0, 0.0, 2.0, 1.0], (6, 1))
    chosen, _ = weighted_choice(weights, np.array([0.01, 0.24, 0.26, 0.74, 0.76, 0.99]))
    assert chosen.tolist() == [0, 0, 2, 2, 3, 3]


@given(
    arrays.arrays(
        float,
        st.tuples(st.integers(1, 5), st.integers(1, 30)),
        elements=st.one_of(st.just(0.0), st.floats(1e-12, 1e12)),
    ),
    st.one_of(st.floats(2.0**-54, 1 - 2.0**-53), st.sampled_from([2.0**-54, 1 - 2.0**-53])),
)
def test_a_position_without_weight_is_never_chosen(weights, share):
    chosen, found = weighted_choice(weights, np.full(len(weights), share))
    assert np.array_equal(found, weights.sum(axis=1) > 0)
    assert ((chosen >= 0) & (chosen < weights.shape[1])).all()
    assert (weights[np.arange(len(weights)), chosen] > 0)[found].all()


def test_no_rows_are_no_choices():
    chosen, found = weighted_choice(np.empty((0, 5)), np.empty(0))
    assert (len(chosen), len(found)) == (0, 0)
