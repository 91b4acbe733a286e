"""The table of a sweep: a row a point, its swept values and its flattened summary."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis import summary
from experiment.remaining_points import point_directory
from experiment.sweep_points import SweepPoint, label


def sweep_table(points: Sequence[SweepPoint], directory: Path) -> pd.DataFrame:
    """Return the table of finished points, in their order; empty where there are none."""
    rows: list[dict[str, Any]] = []
    for point in points:
        text = (point_directory(directory, point) / "summary.json").read_text(encoding="utf-8")
        rows.append({"id": point.id, **point.values, **summary.flatten(json.loads(text))})
    table = pd.DataFrame(rows)
    for key in points[0].values if points else ():
        table[key] = _of_one_type([point.values[key] for point in points])
    return table


def write_sweep_table(table: pd.DataFrame, path: Path) -> None:
    """Write the table as a parquet file that is whole whenever it is there."""
    staging = path.with_name(f".{path.name}")
    table.to_parquet(staging, index=False)
    os.replace(staging, path)


def _of_one_type(values: list[Any]) -> "pd.Series[Any]":
    """Return a swept key's values as a column; where their types differ, as they would be typed."""
    try:
        pa.array(values)
    except pa.ArrowException:
        return pd.Series(
            [None if value is None else label(value) for value in values], dtype=object
        )
    return pd.Series(values)
