"""Shares of variance: against a worked table, a plain computation, and what must not matter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intervals import UserResamples
from analysis.variance_components import between_users, explained_by

#: Shrout and Fleiss (1979), table 2: six targets (here users), rated four times each.
RATINGS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def test_it_is_the_intraclass_correlation_of_shrout_and_fleiss():
    row = np.repeat(np.arange(6), 4)
    share = between_users(RATINGS.ravel(), row, UserResamples(6))
    assert share.value == pytest.approx(0.17, abs=0.005)  # their table 4: ICC(1,1)
    assert share.low is None  # six users are too few for an interval


def test_ages_explain_what_a_plain_analysis_of_variance_says():
    value, group = RATINGS.ravel(), np.tile(np.arange(4), 6)
    means = RATINGS.mean(axis=0)
    expected = 6 * ((means - value.mean()) ** 2).sum() / ((value - value.mean()) ** 2).sum()
    row = np.repeat(np.arange(6), 4)
    assert explained_by(group, value, row, UserResamples(6)).value == pytest.approx(expected)


@settings(max_examples=15)
@given(st.floats(0.05, 0.95), st.integers(0, 2**16))
def test_it_finds_the_share_that_unequal_groups_were_made_with(share, seed):
    rng = np.random.default_rng(seed)
    row = np.repeat(np.arange(300), rng.integers(1, 30, 300))
    between, within = rng.normal(0, share**0.5, 300), rng.normal(0, (1 - share) ** 0.5, len(row))
    found = between_users(between[row] + within, row, UserResamples(300))
    assert found.value == pytest.approx(share, abs=0.17)
    assert found.low < found.value < found.high


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    covered, resamples = 0, UserResamples(100)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        row = np.repeat(np.arange(100), 8)
        value = rng.normal(0, 0.3**0.5, 100)[row] + rng.normal(0, 0.7**0.5, len(row))
        found = between_users(value, row, resamples)
        covered += found.low <= 0.3 <= found.high
    assert 85 <= covered <= 100


@settings(max_examples=15)
@given(st.floats(-5, 5), st.floats(0.5, 4))
def test_neither_shift_nor_scale_matters(shift, scale):
    rng = np.random.default_rng(3)
    row = np.repeat(np.arange(40), 5)
    value = rng.normal(size=40)[row] + rng.normal(size=200)
    plain, moved = (
        between_users(each, row, UserResamples(40)) for each in (value, shift + scale * value)
    )
    assert moved.value == pytest.approx(plain.value, abs=1e-5)
    assert moved.low == pytest.approx(plain.low, abs=1e-5)


def test_equal_values_have_no_shares():
    assert np.isnan(between_users(np.ones(8), np.repeat(np.arange(4), 2), UserResamples(4)).value)
