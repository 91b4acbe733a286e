"""Text files of one record a line, read strictly: whatever is malformed is named by its line."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workloads.errors import WorkloadError
from workloads.progress import Progress

_CHUNK_LINES = 100_000


def read_lines(path: Path, encoding: str = "utf-8-sig") -> list[str]:
    """Return the lines of a text file without their ends; empty lines at the end are no lines.

    Raises:
        WorkloadError: the file is missing, unreadable, empty or not in `encoding`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WorkloadError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WorkloadError(f"{path}: line {line}: is not {encoding} text") from error
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if lines == [""]:
        raise WorkloadError(f"{path}: line 1: the file is empty")
    return lines


def read_columns(
    path: Path,
    lines: Sequence[str],
    separator: str,
    columns: Sequence[str],
    first_line: int,
    progress: Progress,
) -> pd.DataFrame:
    """Return `lines`, which begin at line `first_line` of `path`, as columns of text.

    Returns:
        One row per line; the index holds line numbers of the file.

    Raises:
        WorkloadError: a line does not have one field per column.
    """
    if not lines:
        return pd.DataFrame({column: pd.Series(dtype=str) for column in columns})
    parts: list[pd.DataFrame] = []
    with progress.phase(f"read {path.name}", len(lines)) as advance:
        for start in range(0, len(lines), _CHUNK_LINES):
            chunk = [line.split(separator) for line in lines[start : start + _CHUNK_LINES]]
            _check_fields(path, chunk, columns, first_line + start)
            parts.append(pd.DataFrame(chunk, columns=list(columns), dtype=str))
            advance(len(chunk))
    table = pd.concat(parts, ignore_index=True)
    table.index += first_line
    return table


def _check_fields(
    path: Path, rows: Sequence[Sequence[str]], columns: Sequence[str], first_line: int
) -> None:
    """Refuse a line that does not have one field per column: pandas would pad it in silence."""
    for line, fields in enumerate(rows, first_line):
        if len(fields) != len(columns):
            raise WorkloadError(
                f"{path}: line {line}: {_fields(len(fields))} where {len(columns)} are expected "
                f"({', '.join(columns)})"
            )


def require_text(path: Path, column: "pd.Series[str]") -> None:
    """Refuse an empty field in a column that identifies something.

    Raises:
        WorkloadError: a field is empty; the message names the line.
    """
    empty = column.str.strip() == ""
    if empty.any():
        raise WorkloadError(f"{path}: line {column.index[empty][0]}: {column.name} is empty")


def as_times_s(path: Path, column: "pd.Series[str]") -> NDArray[np.float64]:
    """Return a column of times in seconds: float64, shape [rows].

    Raises:
        WorkloadError: a field is no finite number; the message names the line.
    """
    times_s = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    unusable = ~np.isfinite(times_s)
    if unusable.any():
        row = int(np.argmax(unusable))
        raise WorkloadError(
            f"{path}: line {column.index[row]}: {column.name} is {column.iloc[row]!r}; "
            "a number of seconds is expected"
        )
    return times_s


def by_key(path: Path, keys: "pd.Series[str]", values: "pd.Series[str]") -> dict[str, str]:
    """Return `values` by `keys`.

    Raises:
        WorkloadError: a key is empty or stands on two lines.
    """
    require_text(path, keys)
    again = keys.duplicated()
    if again.any():
        line = keys.index[again][0]
        raise WorkloadError(f"{path}: line {line}: {keys.name} {keys[line]!r} was given before")
    return dict(zip(keys, values, strict=True))


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
