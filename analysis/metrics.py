"""Ranking metrics of one interaction: the one definition that reports and benchmarks share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

HIT_CUTOFFS = (1, 5, 10, 20)
NDCG_CUTOFFS = (5, 10, 20)

#: Names of all metrics, in the order in which they are written everywhere.
METRICS: tuple[str, ...] = (
    *(f"hr@{k}" for k in HIT_CUTOFFS),
    *(f"ndcg@{k}" for k in NDCG_CUTOFFS),
    "mrr",
)

#: The metric that the report's sentences and figures speak of.
HEADLINE = "ndcg@10"


def per_interaction(rank: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Return every metric of every interaction, given where the item taken next was ranked.

    With one relevant item per interaction, at rank r (1-based; a miss counts as r = infinity):

        HR@k   = 1 if r <= k, else 0
        NDCG@k = 1 / log2(1 + r) if r <= k, else 0      (the ideal DCG of one item is 1)
        MRR    = 1 / r                                  (mean of it: mean reciprocal rank)

    NDCG is Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002),
    eq. 2-5 with binary gains and the log2(1 + r) discount that the field uses; MRR is Voorhees,
    "The TREC-8 question answering track report" (1999). MRR has no cut-off: its reach is the length
    of the list that was ranked.

    Args:
        rank: integer array of any shape; 1 is the best rank and 0 is a miss.

    Returns:
        One float64 array of `rank`'s shape per name in `METRICS`, in that order.

    Raises:
        ValueError: if a rank is negative.

    Example:
        >>> import numpy as np
        >>> per_interaction(np.array([1, 3, 0]))["ndcg@5"].tolist()
        [1.0, 0.5, 0.0]
    """
    position = np.asarray(rank, dtype=np.int64)
    if position.size and position.min() < 0:
        raise ValueError("ranks are 1-based, and 0 for a miss; a rank is negative")
    hit = position > 0
    reachable = np.where(hit, position, 1).astype(np.float64)
    gain = 1.0 / np.log2(1.0 + reachable)
    values = {f"hr@{k}": (hit & (position <= k)).astype(np.float64) for k in HIT_CUTOFFS}
    for k in NDCG_CUTOFFS:
        values[f"ndcg@{k}"] = np.where(hit & (position <= k), gain, 0.0)
    values["mrr"] = np.where(hit, 1.0 / reachable, 0.0)
    return values


def values(rank: NDArray[Any], metric: str = HEADLINE) -> NDArray[np.float64]:
    """Return one metric of every interaction, as `per_interaction` does: from a table of all ranks.

    Args:
        rank: integer array of any shape; 1 is the best rank and 0 is a miss.
        metric: one of `METRICS`.

    Raises:
        ValueError: if a rank is negative.
    """
    return np.asarray(by_rank(rank)[metric].take(rank, mode="clip"), dtype=np.float64)


def by_rank(rank: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Return every metric of each rank from 0, a miss, to the greatest of those given.

    Raises:
        ValueError: if a rank is negative.
    """
    ranks = np.asarray(rank)
    lowest, highest = (int(ranks.min()), int(ranks.max())) if ranks.size else (0, 0)
    return per_interaction(np.arange(min(lowest, 0), highest + 1))
