"""Consistency: how much two orders of one list agree."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def footrule_consistency(
    first_rank: NDArray[Any], second_rank: NDArray[Any], left: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return 1 - footrule / floor(n^2 / 2) of two orders of the items left; 1 where n < 2.

    Spearman's footrule is the sum of |rank difference|, and floor(n^2 / 2) its largest value
    (Diaconis and Graham 1977). 1 is the same order, 0 the reverse order, and unrelated orders of
    many items score about 1/3.

    Args:
        first_rank: 1-based ranks among the items left, shape [..., N].
        second_rank: likewise.
        left: bool, shape [..., N]: the items that count.

    Returns:
        float32, shape [...].
    """
    difference = np.abs(first_rank.astype(np.int32) - second_rank.astype(np.int32))
    footrule = difference.sum(axis=-1, where=left, dtype=np.int64)
    count = left.sum(axis=-1).astype(np.int64)
    largest = np.maximum(count * count // 2, 1)
    return np.where(count < 2, 1.0, 1.0 - footrule / largest).astype(np.float32)
