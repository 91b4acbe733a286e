"""Intervals over users: against a plain bootstrap, and by how often they cover the truth."""

import numpy as np
import pytest

from analysis.intervals import MIN_USERS, RESAMPLES, UserResamples
from workloads import draws


def clustered(users: int, seed: int, truth: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts of 0/1 values whose chance of a 1 differs between users, mean `truth`."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(4, 12, users)
    chance = rng.beta(6 * truth, 6 * (1 - truth), users)
    return rng.binomial(counts, chance).astype(float)[:, None], counts.astype(float)[:, None]


def plain_interval(sums: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """The same bootstrap, one resample after the other, users listed one by one."""
    users = len(sums)
    means = []
    for index in range(RESAMPLES):
        chosen = [int(u * users) for u in draws.uniform(0, "bootstrap", index, users)]
        total = sum(float(sums[user, 0]) for user in chosen)
        means.append(total / sum(float(counts[user, 0]) for user in chosen))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def test_equals_a_plain_bootstrap() -> None:
    sums, counts = clustered(47, seed=3)
    estimate = UserResamples(47).ratios(sums, counts).estimate(0)
    assert estimate.value == sums.sum() / counts.sum()
    assert (estimate.low, estimate.high) == pytest.approx(plain_interval(sums, counts), abs=1e-12)


def test_difference_is_paired() -> None:
    sums, counts = clustered(80, seed=5)
    better = sums + 0.05 * counts
    resamples = UserResamples(80)
    improved, plain = resamples.ratios(better, counts), resamples.ratios(sums, counts)
    difference = improved.difference(0, plain, 0)
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.05,) * 3)
    assert difference.above_zero
    assert not difference.below_zero


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    resamples = UserResamples(100)
    covered = 0
    for seed in range(400):
        estimate = resamples.ratios(*clustered(100, seed)).estimate(0)
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 0.3 <= estimate.high
    # 95% of 400 is 380; five standard deviations of that count are 22.
    assert 358 <= covered <= 400


def test_median_covers_the_truth_as_often_as_it_says() -> None:
    resamples = UserResamples(60)
    user = np.repeat(np.arange(60), 9)
    covered = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        values = rng.normal(0, 1, 60)[user] + rng.normal(0, 1, len(user))
        estimate = resamples.quantile(values, user, 0.5)
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 0.0 <= estimate.high
    assert 264 <= covered <= 300


def test_too_few_users_have_no_interval() -> None:
    sums, counts = clustered(MIN_USERS, seed=1)
    enough = UserResamples(MIN_USERS).ratios(sums, counts).estimate(0)
    few = UserResamples(MIN_USERS - 1).ratios(sums[1:], counts[1:]).estimate(0)
    assert enough.low is not None
    assert few.low is few.high is None
    assert few.value == sums[1:].sum() / counts[1:].sum()
    # A user without interactions in this series is no user of it.
    counts[0] = sums[0] = 0
    silent = UserResamples(MIN_USERS).ratios(sums, counts).estimate(0)
    assert silent.low is None


def test_chunks_and_columns_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sums, counts = clustered(200, seed=9)
    wide = np.hstack([sums, sums * 2, sums / 3])
    together = UserResamples(200).ratios(wide, np.repeat(counts, 3, axis=1)).estimates()
    monkeypatch.setattr("analysis.intervals._STORED_WEIGHTS_BYTES", 0)
    monkeypatch.setattr("analysis.intervals._CHUNK_WEIGHTS", 7 * 200)
    alone = UserResamples(200).ratios(sums, counts).estimate(0)
    assert together[0] == alone


def test_nothing_observed_is_not_a_number() -> None:
    estimate = UserResamples(40).ratios(np.zeros((40, 1)), np.zeros((40, 1))).estimate(0)
    assert np.isnan(estimate.value)
    assert estimate.low is None
    empty = UserResamples(40).quantile(np.array([]), np.array([], dtype=np.int64), 0.5)
    assert np.isnan(empty.value)
