"""Columns of a parquet file, read when they are asked for: millions of rows take little memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from analysis.errors import RecordsError


class StoredColumns:
    """What a figure needs of a frame that lies in a file: its columns, each read anew.

    A `pandas.DataFrame` can stand in its place.

    Args:
        path: of the file.

    Attributes:
        columns: their names.

    Raises:
        RecordsError: if it is no parquet file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _reading(path):
            metadata = pq.read_metadata(path)
        self._rows = int(metadata.num_rows)
        self.columns: tuple[str, ...] = tuple(metadata.schema.to_arrow_schema().names)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows

    def __contains__(self, name: str) -> bool:
        """Return whether there is a column of that name."""
        return name in self.columns

    @property
    def empty(self) -> bool:
        """Whether there are no rows."""
        return not self._rows

    @overload
    def __getitem__(self, name: str) -> "pd.Series[Any]": ...

    @overload
    def __getitem__(self, name: list[str]) -> pd.DataFrame: ...

    def __getitem__(self, name: str | list[str]) -> "pd.Series[Any] | pd.DataFrame":
        """Read a column, or a frame of some.

        Raises:
            KeyError: there is no such column.
            RecordsError: the file's footer is sound and what it points to is not.
        """
        names = [name] if isinstance(name, str) else list(name)
        for each in names:
            if each not in self.columns:
                raise KeyError(each)
        with _reading(self._path):
            frame = pd.read_parquet(self._path, columns=names)
        return frame[name]

    def frame(self) -> pd.DataFrame:
        """Read all of it.

        Raises:
            RecordsError: as of a column.
        """
        with _reading(self._path):
            return pd.read_parquet(self._path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        problem = " ".join(str(error).split())
        raise RecordsError(path, f"is no parquet file ({problem})") from None


Columns = pd.DataFrame | StoredColumns


def whole_numbers(column: "pd.Series[Any]") -> NDArray[np.integer[Any]]:
    """Return a column of whole numbers with 0 for null."""
    if isinstance(column.dtype, np.dtype):
        return np.asarray(np.nan_to_num(column.to_numpy()), dtype=np.int64)
    return np.asarray(column.to_numpy(dtype=np.int64, na_value=0), dtype=np.int64)
