"""Columns of the output files: categories, ranks, and numbers that can be null."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def categories(codes: NDArray[np.integer], names: list[str]) -> "pd.Categorical[str]":
    """Return categories by their codes, -1 for null, as a column that has all of the names."""
    known = pd.Index(names, dtype="str")
    named: pd.Categorical[str] = pd.Categorical.from_codes(codes.astype(np.int8), known)
    return named


def places(place: NDArray[np.int64] | None, devices: int) -> "pd.Series[int]":
    """Return where each device is as a column that is null where there are no such places."""
    return pd.Series(np.full(devices, None) if place is None else place, dtype="Int32")


def ranks(rank: NDArray[Any]) -> "pd.Series[int]":
    """Return ranks, row by row, as a column that is null for a miss."""
    return masked(rank, rank == 0)


def masked(values: NDArray[Any], missing: NDArray[np.bool_]) -> "pd.Series[int]":
    """Return small integers, row by row, as a column that is null where they are missing."""
    small, null = values.ravel().astype(np.int16), missing.ravel()
    # What is behind a null is 1, as everywhere in pandas; it is in no file.
    small[null] = 1
    return pd.Series(pd.arrays.IntegerArray(small, null.copy()))
