"""Positions of values among few different ones, without sorting millions of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(values: NDArray[np.integer[Any]]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the distinct values, ascending, and the position among them of each.

    Args:
        values: small integers that are not negative, shape [values].

    Returns:
        What `numpy.unique` with `return_inverse` does, the second int64, shape [values].
    """
    present = np.bincount(values) > 0
    position = np.cumsum(present) - 1
    return np.flatnonzero(present).astype(values.dtype), position[values]
