"""Overlap: how many items the heads of two orders share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

PERSISTENCE = 0.9
"""p of rank-biased overlap: the first 10 places hold 86% of the weight (Webber et al. 2010)."""
TOP = 10
"""Places that `top_overlap` looks at."""


def rank_biased_overlap(
    first_rank: NDArray[Any], second_rank: NDArray[Any], left: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the extrapolated rank-biased overlap of two orders of the items left; 1 where n < 2.

    X_d of the first d items are the same in both orders. Of orders of the same n items,
    RBO = (1 - p) / p * sum of X_d / d * p^d over d = 1 .. n, + p^n (Webber, Moffat and Zobel 2010,
    "A similarity measure for indefinite rankings", eq. 32, where both lists end at n and X_n = n).
    1 is the same order. It is above 0 in every case, the more so the shorter the list.

    Args:
        first_rank: 1-based ranks among the items left, all different, shape [..., N].
        second_rank: likewise.
        left: bool, shape [..., N]: the items that count.

    Returns:
        float32, shape [...].
    """
    depth = np.arange(1, left.shape[-1] + 1)
    # weight[k] is the sum of p^d / d over d = 1 .. k.
    weight = np.concatenate(([0.0], np.cumsum(PERSISTENCE**depth / depth)))
    count = left.sum(axis=-1)
    # An item that both have met at depth m counts in X_d for every d >= m.
    unmet = np.where(left, np.maximum(first_rank, second_rank) - 1, 0)
    met = count * weight[count] - weight[unmet].sum(axis=-1)
    overlap = (1 - PERSISTENCE) / PERSISTENCE * met + PERSISTENCE**count
    return np.where(count < 2, 1.0, overlap).astype(np.float32)


def top_overlap(
    first_rank: NDArray[Any], second_rank: NDArray[Any], left: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the share of the first `TOP` items that two orders have in common; 1 where n < 2.

    Where fewer items are left, all of them are in common (Fagin, Kumar and Sivakumar 2003,
    "Comparing top k lists", sec. 3).

    Args:
        first_rank: 1-based ranks among the items left, all different, shape [..., N].
        second_rank: likewise.
        left: bool, shape [..., N]: the items that count.

    Returns:
        float32, shape [...].
    """
    top = np.minimum(left.sum(axis=-1), TOP)
    common = (left & (np.maximum(first_rank, second_rank) <= top[..., None])).sum(axis=-1)
    return np.where(top < 2, 1.0, common / np.maximum(top, 1)).astype(np.float32)
