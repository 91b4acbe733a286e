"""The ranking metrics against those of scikit-learn, which works on scores and not on ranks."""

import numpy as np
import pytest
from sklearn.metrics import (
    label_ranking_average_precision_score,
    ndcg_score,
    top_k_accuracy_score,
)

from analysis.metrics import HIT_CUTOFFS, NDCG_CUTOFFS, per_interaction

INTERACTIONS, ITEMS, LIST = 400, 60, 30


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    return np.random.default_rng(4).normal(size=(INTERACTIONS, ITEMS))


@pytest.fixture(scope="module")
def taken(scores: np.ndarray) -> np.ndarray:
    """Return items taken: mostly well ranked, some beyond the list."""
    place = np.random.default_rng(5).geometric(0.06, INTERACTIONS).clip(max=ITEMS) - 1
    return np.argsort(-scores, axis=1)[np.arange(INTERACTIONS), place]


@pytest.fixture(scope="module")
def rank(scores: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Return the place of the item taken in a list of the best, 0 where the list lacks it."""
    lists = np.argsort(-scores, axis=1)[:, :LIST]
    hit = lists == taken[:, None]
    return np.where(hit.any(axis=1), 1 + hit.argmax(axis=1), 0)


def relevance(taken: np.ndarray) -> np.ndarray:
    return (np.arange(ITEMS) == taken[:, None]).astype(int)


def test_there_are_hits_and_misses(rank: np.ndarray) -> None:
    assert (rank == 0).sum() > 20
    assert (rank == 1).sum() > 10
    assert (rank > 20).sum() > 20


@pytest.mark.parametrize("cutoff", HIT_CUTOFFS)
def test_hit_ratio(scores: np.ndarray, taken: np.ndarray, rank: np.ndarray, cutoff: int) -> None:
    expected = top_k_accuracy_score(taken, scores, k=cutoff, labels=np.arange(ITEMS))
    assert per_interaction(rank)[f"hr@{cutoff}"].mean() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("cutoff", NDCG_CUTOFFS)
def test_ndcg(scores: np.ndarray, taken: np.ndarray, rank: np.ndarray, cutoff: int) -> None:
    ours = per_interaction(rank)[f"ndcg@{cutoff}"]
    truth = relevance(taken)
    assert ours.mean() == pytest.approx(ndcg_score(truth, scores, k=cutoff), abs=1e-12)
    for i in range(0, INTERACTIONS, 40):
        one = slice(i, i + 1)
        assert ours[i] == pytest.approx(ndcg_score(truth[one], scores[one], k=cutoff), abs=1e-12)


def test_mean_reciprocal_rank(scores: np.ndarray, taken: np.ndarray, rank: np.ndarray) -> None:
    found = rank > 0
    expected = label_ranking_average_precision_score(relevance(taken[found]), scores[found])
    mrr = per_interaction(rank)["mrr"]
    assert mrr[found].mean() == pytest.approx(expected, abs=1e-12)
    assert not mrr[~found].any()
