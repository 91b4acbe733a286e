"""Accuracy by user and the comparisons made from it."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from analysis.accuracy import Accuracies, by_user
from analysis.metrics import METRICS, per_interaction


def test_sums_by_user_by_hand() -> None:
    frame = by_user(np.array([7, 3, 7, 3, 3]), {"run": [1, 0, 3, 2, 30], "never": [0, 0, 0, 0, 1]})
    assert list(frame.columns) == ["user", "series", "interactions", *METRICS]
    assert frame["user"].tolist() == [3, 7, 3, 7]
    assert frame["series"].tolist() == ["run", "run", "never", "never"]
    assert frame["interactions"].tolist() == [3, 2, 3, 2]
    assert frame["hr@5"].tolist() == [1, 2, 1, 0]
    assert frame["mrr"].tolist() == pytest.approx([1 / 2 + 1 / 30, 1 + 1 / 3, 1, 0])
    assert str(frame["user"].dtype) == "int32"
    assert str(frame["interactions"].dtype) == "int64"


def test_sums_of_many_users_cost_a_few_passes_over_the_interactions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(2)
    users, interactions = 100_000, 300_000
    user = rng.permutation(np.arange(interactions) % users)
    rank = rng.integers(0, 25, interactions)
    counting, added = np.bincount, [0]

    def counted(row: NDArray[Any], *given: Any, **named: Any) -> NDArray[Any]:
        added[0] += len(row)
        return counting(row, *given, **named)

    with monkeypatch.context() as patched:
        patched.setattr(np, "bincount", counted)
        frame = by_user(user, {"run": rank})
    assert added[0] <= (1 + 2 * len(METRICS)) * interactions
    for metric, values in per_interaction(rank).items():
        assert_array_equal(frame[metric], counting(user, values))


def test_means_are_over_interactions_not_over_users() -> None:
    rng = np.random.default_rng(4)
    user = np.repeat(np.arange(50), rng.integers(1, 9, 50))
    ranks = {name: rng.integers(0, 25, len(user)) for name in ("run", "never")}
    accuracies = Accuracies(by_user(user, ranks))
    for series, rank in ranks.items():
        for metric, values in per_interaction(rank).items():
            assert accuracies.mean(series, metric).value == pytest.approx(values.mean(), abs=1e-14)
    assert accuracies.interactions("run") == len(user)


def test_paired_difference_is_narrower_than_two_intervals() -> None:
    rng = np.random.default_rng(4)
    user = np.repeat(np.arange(200), 5)
    rank = rng.integers(0, 20, len(user))
    improved = np.where((rng.random(len(user)) < 0.1) & (rank > 1), rank - 1, rank)
    accuracies = Accuracies(by_user(user, {"run": improved, "never": rank}))
    difference = accuracies.difference("run", "never", "mrr")
    run = accuracies.mean("run", "mrr")
    assert difference.value == pytest.approx(run.value - accuracies.mean("never", "mrr").value)
    assert difference.above_zero
    assert difference.low is not None
    assert difference.high is not None
    assert run.low is not None
    assert run.high is not None
    assert difference.high - difference.low < (run.high - run.low) / 3


def test_order_of_interactions_does_not_matter() -> None:
    rng = np.random.default_rng(8)
    user, rank = rng.integers(0, 40, 300), rng.integers(0, 9, 300)
    order = rng.permutation(300)
    one = Accuracies(by_user(user, {"run": rank}))
    other = Accuracies(by_user(user[order], {"run": rank[order]}))
    assert one.mean("run", "hr@5") == other.mean("run", "hr@5")


def test_a_series_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="never"):
        by_user(np.array([1, 2]), {"run": np.array([1, 2]), "never": np.array([1])})
