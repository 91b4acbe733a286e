"""The panels of a sweep, from the records of its points."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import point_records
from analysis.panel import ENDS, Panel
from analysis.summary import flatten

#: Ways to order that no policy is part of, as far as points know them.
REFERENCES = ("always_ideal", "popularity", "srm_full")


def of_points(directory: Path, points: pd.DataFrame, metric: str) -> tuple[Panel, ...]:
    """Return one panel for each facet, in the order of the points.

    Args:
        directory: of the sweep.
        points: as `analysis.sweep_labels.labelled` returns them.
        metric: the accuracy that is compared.

    Raises:
        RecordsError: a file of a point is missing or malformed.
    """
    return tuple(
        _panel(directory, str(facet), part, metric)
        for facet, part in points.groupby("facet", sort=False)
    )


def _panel(directory: Path, facet: str, points: pd.DataFrame, metric: str) -> Panel:
    settings = []
    summed_of: list[pd.DataFrame] = []
    for _, part in points.groupby(["series", "policy"], sort=False):
        summed_of.append(point_records.sums(directory, _ids(part)))
        row = _mean_row(part)
        settings.append(
            {**row, "reached": bool(part["reached"].all()), "swept": True, "ids": _ids(part)}
        )
    # The worlds beside a run are the same beside every run with its seed, so of one setting's.
    first, beside = settings[0], summed_of[0]
    sums = [point_records.of_series(summed, "run") for summed in summed_of]
    swept = {row["series"] for row in settings}
    for name in ENDS:
        accuracies = point_records.of_series(beside, name)
        row = _world(directory, first, name)
        if name not in swept and row and len(accuracies):
            settings.append({**row, "facet": facet})
            sums.append(accuracies)
    order = sorted(
        range(len(settings)),
        key=lambda i: (str(settings[i]["series"]), float(settings[i]["request_frequency"])),
    )
    references = {
        name: part for name in REFERENCES if len(part := point_records.of_series(beside, name))
    }
    rows = pd.DataFrame([settings[i] for i in order])
    return Panel(facet, rows, [sums[i] for i in order], references, metric)


def _ids(part: pd.DataFrame) -> list[str]:
    return [str(point) for point in part["id"]]


def _world(directory: Path, setting: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the row of a world beside the runs of a setting; empty where they have none."""
    blocks = [point_records.world(directory, point, name) for point in setting["ids"]]
    flat = pd.DataFrame([flatten(block) for block in blocks if block])
    if flat.empty:
        return {}
    names = {"kind": name, "series": name, "policy": "", "parameters": "", "id": "", "ids": []}
    whole = {key: setting[key] for key in ("interactions", "devices", "users") if key in setting}
    further = {"bound": False, "reached": True, "target": float("nan"), "swept": False}
    return {**_mean_row(flat), **whole, **names, **further}


def _mean_row(part: pd.DataFrame) -> dict[str, Any]:
    numeric = part.select_dtypes("number").mean()
    first = part.iloc[0]
    return {str(k): numeric[k] if k in numeric else first[k] for k in part.columns}
