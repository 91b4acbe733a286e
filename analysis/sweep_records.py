"""The records of a sweep: a row per point, and the runs behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import overridden, point_records, sweep_panels
from analysis.errors import RecordsError
from analysis.metrics import HEADLINE, METRICS
from analysis.panel import Panel
from analysis.records import read_frame, read_json, read_yaml
from analysis.sweep_labels import REPLICATES, labelled, section

#: Columns that every point's summary gives.
REQUIRED = ("id", "interactions", "users", "request_frequency", f"accuracy.{HEADLINE}.mean")


@dataclass(frozen=True)
class SweepRecords:
    """Everything that a sweep's directory holds, told by one metric.

    Attributes:
        directory: where the files are.
        points: a row per point: the columns of `sweep.parquet`, and besides those that
            `analysis.sweep_labels.labelled` adds: `series`, `facet`, `policy` and others.
        swept: the swept keys.
        axes: the swept keys once more, those together whose values go together.
        scenario_text: the sweep's resolved scenario as YAML; empty if there is none.
        description: the question that the sweep answers.
        name: the sweep's name.
        metric: the accuracy that the report speaks of.
    """

    directory: Path
    points: pd.DataFrame
    swept: tuple[str, ...]
    axes: tuple[tuple[str, ...], ...]
    scenario_text: str
    description: str
    name: str
    metric: str = HEADLINE

    @cached_property
    def series(self) -> tuple[str, ...]:
        """The request policies, one name a curve, in alphabetical order."""
        return tuple(sorted(self.points["series"].unique()))

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The kind of each series' policy."""
        return dict(zip(self.points["series"], self.points["kind"], strict=True))

    @cached_property
    def facets(self) -> tuple[str, ...]:
        """The other settings that were swept, in the order of the points."""
        return tuple(self.points["facet"].unique())

    @cached_property
    def replications(self) -> int:
        """How many seeds each setting was run with."""
        settings = self.points.groupby(["facet", "series", "policy"], sort=False).size()
        return int(settings.max())

    @cached_property
    def panels(self) -> tuple[Panel, ...]:
        """The settings of each facet, to be compared on their users.

        The never and always worlds of the runs are settings of their own where the sweep has none
        of that kind.
        """
        return sweep_panels.of_points(self.directory, self.points, self.metric)

    @cached_property
    def settings(self) -> pd.DataFrame:
        """One row per setting, by facet, series and request frequency.

        Columns as in `points`, means over seeds; and `accuracy`, `low` and `high`: the metric, over
        all seeds, with its 95% interval over users; `ids`: its points, one for each seed; `swept`:
        False for worlds beside the runs.
        """
        return pd.concat([panel.settings for panel in self.panels], ignore_index=True).copy()

    @cached_property
    def sweeps_policies(self) -> bool:
        """Whether settings differ in the request policy, or in the world around the models."""
        return any(section(key) not in ("models", "workload", *REPLICATES) for key in self.swept)

    @cached_property
    def sweeps_models(self) -> bool:
        """Whether settings differ in the models or in what is replayed."""
        keys = (key for key in self.swept if key not in REPLICATES)
        return any(section(key) in ("models", "workload") for key in keys)

    @cached_property
    def failed(self) -> list[dict[str, Any]]:
        """The points that have no result, as `failed.json` tells of them: id, point, message."""
        path = self.directory / "failed.json"
        return list(read_json(path).get("failed", ())) if path.is_file() else []

    @cached_property
    def overridden(self) -> list[str]:
        """What the command line gave in place of the scenario file's own values."""
        manifest = self.directory / "points" / str(self.points["id"].iloc[0]) / "manifest.json"
        words = read_json(manifest).get("command_line", []) if manifest.is_file() else []
        return overridden.given(words)

    def scenario(self, point: str) -> dict[str, Any]:
        """Return the resolved scenario of a point.

        Raises:
            RecordsError: it is missing or malformed.
        """
        return read_yaml(self.directory / "points" / point / "scenario.yaml")

    def manifest(self, point: str) -> dict[str, Any]:
        """Return the manifest of a point.

        Raises:
            RecordsError: it is missing or malformed.
        """
        return read_json(self.directory / "points" / point / "manifest.json")

    @property
    def code(self) -> str:
        """The expression that reads these records in their directory."""
        return 'read(".")' if self.metric == HEADLINE else f'read(".", metric="{self.metric}")'

    def sums(self, points: Iterable[str]) -> pd.DataFrame:
        """Return sums over points by series and user: `interactions` and the metrics, float64."""
        return point_records.sums(self.directory, points)

    def share_ranked_by_llm(self, points: Iterable[str]) -> float:
        """Return the share of the points' interactions that the devices did not re-rank."""
        return point_records.share_ranked_by_llm(self.directory, points)


def is_sweep(directory: Path) -> bool:
    """Return whether a directory holds a sweep."""
    return (directory / "sweep.parquet").exists()


def read(directory: str | Path, metric: str = HEADLINE) -> SweepRecords:
    """Read a sweep's directory, to be told by a metric.

    Raises:
        RecordsError: if a file is missing or malformed.
        ValueError: if there is no such metric.
    """
    if metric not in METRICS:
        raise ValueError(f"{metric!r} is no metric; give one of {', '.join(METRICS)}")
    directory = Path(directory)
    points = read_frame(directory / "sweep.parquet")
    for column in REQUIRED:
        if column not in points.columns:
            raise RecordsError(directory / "sweep.parquet", f"lacks the column {column!r}")
    if points.empty:
        raise RecordsError(directory / "sweep.parquet", "has no finished point")
    scenario_path = directory / "scenario.yaml"
    scenario = read_yaml(scenario_path) if scenario_path.is_file() else {}
    swept = _swept_keys([str(name) for name in points.columns], scenario.get("sweep") or {})
    return SweepRecords(
        directory,
        labelled(points, directory, swept),
        swept,
        _axes(swept, scenario.get("sweep") or {}),
        scenario_path.read_text(encoding="utf-8") if scenario else "",
        str(scenario.get("description", "")).strip(),
        str(scenario.get("name", points["scenario"].iloc[0] if "scenario" in points else "sweep")),
        metric,
    )


def _swept_keys(columns: list[str], block: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns that are no summary's: those beside its first and last ones.

    By position, because a swept key can be named like a part of the summary (`cloud.replicas`); but
    none that the scenario's sweep, where it is known, does not name.
    """
    first = columns.index("scenario") if "scenario" in columns else len(columns)
    last = max((i for i, name in enumerate(columns) if name.startswith("engine.")), default=first)
    beside = (
        name
        for name in columns[:first] + columns[last + 1 :]
        if name != "id" and not name.startswith("request_policy.")
    )
    named = {"seed", *block, *(key for group in block.get("zip") or () for key in group)}
    return tuple(name for name in beside if not block or name in named)


def _axes(swept: tuple[str, ...], block: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the swept keys, those of one `zip` group together."""
    groups = [tuple(key for key in swept if key in group) for group in block.get("zip") or ()]
    zipped = {key for group in groups for key in group}
    return (*((key,) for key in swept if key not in zipped), *(group for group in groups if group))
