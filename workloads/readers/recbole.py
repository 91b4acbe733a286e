"""RecBole's atomic files: `NAME.inter` and `NAME.item`, tab-separated under a typed header."""

from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd

from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.progress import Progress
from workloads.readers.delimited_text import (
    as_times_s,
    by_key,
    read_columns,
    read_lines,
    require_text,
)
from workloads.readers.reader import Reader

_TYPES = ("token", "token_seq", "float", "float_seq")


class RecBoleReader(Reader):
    """Reads `.inter` (columns user_id, item_id, optionally timestamp) and `.item` beside it.

    Every row is an interaction, whatever its rating. A title is the first column of `.item` whose
    name ends in title or name; the words of the other token_seq columns are attributes. Format:
    https://recbole.io/docs/user_guide/data/atomic_files.html
    """

    kind: Literal["recbole"] = "recbole"
    layout: ClassVar[str] = "RecBole atomic files (one NAME.inter, NAME.item beside it)"

    def recognises(self, path: Path) -> bool:
        """Return whether `path` is a `.inter` file or a folder with exactly one."""
        if path.is_dir():
            return len(list(path.glob("*.inter"))) == 1
        return path.suffix == ".inter"

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the `.inter` file, and the `.item` file beside it."""
        interactions_path = next(path.glob("*.inter")) if path.is_dir() else path
        items_path = interactions_path.with_suffix(".item")
        return (interactions_path, *([items_path] if items_path.exists() else []))

    def read(self, path: Path, name: str, progress: Progress) -> InteractionLog:
        """Read the interactions, and titles and attributes where there is a `.item` file."""
        interactions_path, *items = self.files(path)
        table, _ = _read_atomic(interactions_path, progress)
        for column in ("user_id", "item_id"):
            if column not in table:
                raise WorkloadError(
                    f"{interactions_path}: line 1: the header has no column {column}"
                )
            require_text(interactions_path, table[column])
        if table.empty:
            raise WorkloadError(f"{interactions_path}: line 2: no interactions after the header")
        times_s = (
            as_times_s(interactions_path, table["timestamp"]) if "timestamp" in table else None
        )
        titles, attributes = _read_items(items[0], progress) if items else ({}, {})
        return InteractionLog.from_columns(
            name, table["user_id"], table["item_id"], times_s, titles, attributes
        )


def _read_atomic(path: Path, progress: Progress) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the columns of an atomic file, and the type of each by name."""
    lines = read_lines(path)
    types: dict[str, str] = {}
    for field in lines[0].split("\t"):
        column, _, column_type = field.partition(":")
        if column_type not in _TYPES:
            raise WorkloadError(
                f"{path}: line 1: header field {field!r}; NAME:TYPE is expected, "
                f"with a type of {', '.join(_TYPES)}"
            )
        if column in types:
            raise WorkloadError(f"{path}: line 1: column {column!r} appears twice")
        types[column] = column_type
    return read_columns(path, lines[1:], "\t", tuple(types), 2, progress), types


def _read_items(
    path: Path, progress: Progress
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return titles and attributes by item key."""
    table, types = _read_atomic(path, progress)
    if "item_id" not in types:
        raise WorkloadError(f"{path}: line 1: the header has no column item_id")
    title_column = next((c for c in types if c.endswith(("title", "name"))), "item_id")
    titles = by_key(path, table["item_id"], table[title_column].str.strip())
    words = [column for column, kind in types.items() if kind == "token_seq"]
    words = [column for column in words if column != title_column]
    attributes = {
        item: tuple(" ".join(fields).split())
        for item, *fields in table[["item_id", *words]].itertuples(index=False)
    }
    return titles, attributes
