"""Tables for a page: cells as text, numbers marked so that they can be aligned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.numerals import NOTHING, count, significant


@dataclass(frozen=True)
class Cell:
    """One cell: its text, and whether it is a number."""

    text: str
    numeric: bool = False

    @property
    def value(self) -> str:
        """The text without the interval that ends it."""
        return self.text.partition(" [")[0]

    @property
    def interval(self) -> str:
        """The interval that ends the text, in its brackets; empty without one."""
        return self.text[len(self.value) + 1 :]


@dataclass(frozen=True)
class Table:
    """A table: names of the columns, and rows whose first cell names the row.

    Attributes:
        label: what the table holds, for those who cannot see it.
        aligned: whether numbers stand below one another, flush right.
        stacked: whether intervals stand below their values, which makes columns narrow.

    A row of one cell heads the rows after it.
    """

    label: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    aligned: bool = False
    stacked: bool = False


def of_frame(frame: pd.DataFrame, label: str) -> Table:
    """Return a frame as a table: whole numbers with thousands separated, others to 4 digits."""
    columns = tuple(str(name).replace("_", " ") for name in frame.columns)
    rows = tuple(
        tuple(_cell(value) for value in row) for row in frame.itertuples(index=False, name=None)
    )
    return Table(label, columns, rows, aligned=True)


def of_texts(
    label: str, columns: Sequence[str], rows: Sequence[Sequence[str]], stacked: bool = False
) -> Table:
    """Return a table of texts; all columns but the first are numbers where they look like ones."""
    cells = tuple(
        tuple(Cell(text, index > 0 and _looks_numeric(text)) for index, text in enumerate(row))
        for row in rows
    )
    return Table(label, tuple(columns), cells, stacked=stacked)


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return Cell(value)
    if value is None or pd.isna(value):
        return Cell(NOTHING, numeric=True)
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if float(value).is_integer() and not isinstance(value, float):
        return Cell(count(float(value)), numeric=True)
    return Cell(significant(float(value), 4), numeric=True)


def _looks_numeric(text: str) -> bool:
    return text[:1].isdigit() or text[:1] in "+\u2212\u2013$"
