"""Kendall's agreement: how many pairs of items two orders place alike."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

CELLS = 4096
"""Cells compared at a time: for lists of 50, the largest arrays in between are of 200 kB."""


def kendall_agreement(
    first_rank: NDArray[Any], second_rank: NDArray[Any], left: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return (1 + tau) / 2 of two orders of the items left; 1 where n < 2.

    tau-b = 1 - 4 D / (n (n - 1)), as no ranks are equal, where D of the n (n - 1) / 2 pairs are
    placed the other way round by the other order (Kendall 1938, "A new measure of rank
    correlation"; 1945 for ties). So this is the share of pairs that both place alike: 1 is the same
    order, 0 the reverse order, and unrelated orders score about 1/2.

    Args:
        first_rank: 1-based ranks among the items left, all different, shape [..., N].
        second_rank: likewise.
        left: bool, shape [..., N]: the items that count.

    Returns:
        float32, shape [...].
    """
    items = left.shape[-1]
    # Small numbers make fast comparisons. Two items of which one is dropped compare alike.
    small, dropped = np.min_scalar_type(items + 1), items + 1
    first = np.where(left, first_rank.astype(small), small.type(dropped)).reshape(-1, items)
    second = np.where(left, second_rank.astype(small), small.type(dropped)).reshape(-1, items)
    discordant = np.empty(len(first), np.int64)
    for start in range(0, len(first), CELLS):
        part = slice(start, start + CELLS)
        discordant[part] = _discordant_pairs(first[part].T.copy(), second[part].T.copy())
    count = left.sum(axis=-1).astype(np.int64)
    pairs = np.maximum(count * (count - 1) // 2, 1)
    return np.asarray(1.0 - discordant.reshape(count.shape) / pairs, np.float32)


def _discordant_pairs(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many pairs of items two orders place differently: [N, C] each -> [C]."""
    items, cells = first.shape
    discordant = np.zeros(cells, np.int64)
    for item in range(items - 1):
        differ = (first[item] > first[item + 1 :]) ^ (second[item] > second[item + 1 :])
        discordant += differ.view(np.uint8).sum(axis=0, dtype=first.dtype)
    return discordant
