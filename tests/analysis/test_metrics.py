"""The ranking metrics against values worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.metrics import METRICS, per_interaction


def test_hand_computed_ranks() -> None:
    values = per_interaction(np.array([1, 2, 6, 11, 20, 21, 0], dtype=np.int16))
    assert tuple(values) == METRICS
    assert values["hr@1"].tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert values["hr@5"].tolist() == [1, 1, 0, 0, 0, 0, 0]
    assert values["hr@10"].tolist() == [1, 1, 1, 0, 0, 0, 0]
    assert values["hr@20"].tolist() == [1, 1, 1, 1, 1, 0, 0]
    assert values["ndcg@5"].tolist() == [1, 1 / math.log2(3), 0, 0, 0, 0, 0]
    assert values["ndcg@10"].tolist() == [1, 1 / math.log2(3), 1 / math.log2(7), 0, 0, 0, 0]
    assert values["ndcg@20"][3:].tolist() == [1 / math.log2(12), 1 / math.log2(21), 0, 0]
    assert values["mrr"].tolist() == [1, 1 / 2, 1 / 6, 1 / 11, 1 / 20, 1 / 21, 0]


def test_unsigned_ranks_and_shapes() -> None:
    values = per_interaction(np.array([[0, 255], [1, 3]], dtype=np.uint8))
    assert all(value.shape == (2, 2) and value.dtype == np.float64 for value in values.values())
    assert values["mrr"][0, 1] == 1 / 255


def test_no_interactions_give_no_values() -> None:
    assert all(len(value) == 0 for value in per_interaction(np.array([], dtype=np.int64)).values())


def test_negative_rank_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        per_interaction(np.array([3, -1]))


@given(st.lists(st.integers(0, 70), min_size=1, max_size=30))
def test_metrics_are_ordered(ranks: list[int]) -> None:
    values = per_interaction(np.array(ranks))
    for small, large in [("hr@1", "hr@5"), ("hr@5", "hr@10"), ("hr@10", "hr@20")]:
        assert np.all(values[small] <= values[large])
    for k in (5, 10, 20):
        assert np.all(values[f"ndcg@{k}"] <= values[f"hr@{k}"])
    assert np.all((values["mrr"] > 0) == (np.array(ranks) > 0))
