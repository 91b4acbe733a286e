"""What a sweep reads of its points: sums by user, and what the worlds beside a run cost."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.metrics import METRICS
from analysis.records import read_frame


def sums(directory: Path, points: Iterable[str]) -> pd.DataFrame:
    """Return sums over points by series and user: `interactions` and the metrics, float64.

    Args:
        directory: of the sweep.
        points: names of points.

    Raises:
        RecordsError: a file is missing or malformed.
    """
    frames = [
        read_frame(directory / "points" / point / "accuracy_by_user.parquet") for point in points
    ]
    columns = ["interactions", *METRICS]
    indexed = [
        frame.astype({"series": str}).set_index(["series", "user"])[columns] for frame in frames
    ]
    if len(indexed) == 1:
        return indexed[0].sort_index().astype(np.float64)
    summed = pd.concat(indexed).groupby(level=["series", "user"], sort=True).sum()
    return summed.astype(np.float64)


def of_series(summed: pd.DataFrame, series: str) -> pd.DataFrame:
    """Return the part of `sums` that is one series', by user; empty without it."""
    part = summed[summed.index.get_level_values("series") == series]
    return part.droplevel("series")


def world(directory: Path, point: str, name: str) -> dict[str, Any]:
    """Return what a world beside a run cost, as `baseline_worlds.json` has it; empty without."""
    path = directory / "points" / point / "baseline_worlds.json"
    if not path.is_file():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8")).get(name, {}))


def requests_by_user(directory: Path, points: Iterable[str]) -> pd.DataFrame:
    """Return `requests` and `interactions` of each user, over points: float64, by user.

    Raises:
        RecordsError: a file is missing or malformed.
    """
    frames = [
        read_frame(_interactions(directory, point), ["user", "requested"]) for point in points
    ]
    by_user = pd.concat(frames).groupby("user", sort=True)["requested"].agg(["sum", "size"])
    by_user.columns = pd.Index(["requests", "interactions"])
    return by_user.astype(np.float64)


def share_ranked_by_llm(directory: Path, points: Iterable[str]) -> float:
    """Return the share of the points' interactions that the devices did not re-rank.

    Raises:
        RecordsError: a file is missing or malformed.
    """
    by_llm = [
        read_frame(_interactions(directory, point), ["ranked_by"])["ranked_by"] == "llm"
        for point in points
    ]
    return float(pd.concat(by_llm).mean())


def _interactions(directory: Path, point: str) -> Path:
    return directory / "points" / point / "interactions.parquet"
