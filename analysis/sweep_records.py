"""The records of a sweep: a row per point, and the runs behind them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import overridden, swept_words
from analysis.metrics import HEADLINE, METRICS
from analysis.records import RecordsError, read_frame, read_json, read_yaml
from analysis.summary import flatten

#: Columns that every point's summary gives.
REQUIRED = ("id", "interactions", "users", "request_frequency", f"accuracy.{HEADLINE}.mean")

#: Worlds that every run simulates beside its own: ends of the trade-off.
WORLDS = ("never", "always")

#: Swept keys that replicate a setting: their points are taken together.
REPLICATES = ("seed", "models.seed")


@dataclass(frozen=True)
class SweepRecords:
    """Everything that a sweep's directory holds.

    Attributes:
        directory: where the files are.
        points: a row per point: the columns of `sweep.parquet`, and besides `kind` (of the request
            policy), `facet` (the swept values that are no policy's and no seed, in words) and
            `policy` (the swept values of the policy, in words).
        swept: the swept keys.
        axes: the swept keys once more, those together whose values go together.
        scenario_text: the sweep's resolved scenario as YAML; empty if there is none.
        description: the question that the sweep answers.
        name: the sweep's name.
    """

    directory: Path
    points: pd.DataFrame
    swept: tuple[str, ...]
    axes: tuple[tuple[str, ...], ...]
    scenario_text: str
    description: str
    name: str

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of request policy, in alphabetical order."""
        return tuple(sorted(self.points["kind"].unique()))

    @cached_property
    def facets(self) -> tuple[str, ...]:
        """The other settings that were swept, in the order of the points."""
        return tuple(self.points["facet"].unique())

    @cached_property
    def replications(self) -> int:
        """How many seeds each setting was run with."""
        settings = self.points.groupby(["facet", "kind", "policy"], sort=False).size()
        return int(settings.max())

    @cached_property
    def settings(self) -> pd.DataFrame:
        """One row per setting: the mean of its points over seeds, and their range.

        Columns as in `points`, and `low` and `high`: with one seed the 95% interval over users of
        the accuracy, with several its range over seeds. The never and always worlds of the runs
        are settings of their own where the sweep has none of that kind.
        """
        rows = [*self._settings_swept(), *self._settings_worlds()]
        return pd.DataFrame(rows).sort_values(
            ["facet", "kind", "request_frequency"], kind="stable", ignore_index=True
        )

    def _settings_swept(self) -> list[dict[str, Any]]:
        mean, interval = f"accuracy.{HEADLINE}.mean", f"accuracy.{HEADLINE}.ci95"
        rows = []
        for _, part in self.points.groupby(["facet", "kind", "policy"], sort=False):
            row = _mean_row(part)
            if len(part) == 1:
                row["low"], row["high"] = (row.get(f"{interval}.{end}") for end in ("low", "high"))
            else:
                row["low"], row["high"] = part[mean].min(), part[mean].max()
            rows.append({**row, "swept": True})
        return rows

    def _settings_worlds(self) -> list[dict[str, Any]]:
        rows = []
        for world in WORLDS:
            if world in self.kinds:
                continue
            for facet, part in self.points.groupby("facet", sort=False):
                blocks = [self._world(str(point), world) for point in part["id"]]
                flat = pd.DataFrame([flatten(block) for block in blocks if block])
                baseline = f"baselines.{world}.{HEADLINE}"
                if flat.empty or f"{baseline}.mean" not in part.columns:
                    continue
                values = part[f"{baseline}.mean"]
                seeds = values.nunique() > 1
                row = _mean_row(flat) | {
                    f"accuracy.{HEADLINE}.mean": values.mean(),
                    "low": values.min() if seeds else part[f"{baseline}.ci95.low"].iloc[0],
                    "high": values.max() if seeds else part[f"{baseline}.ci95.high"].iloc[0],
                    "interactions": part["interactions"].iloc[0],
                    "devices": part["devices"].iloc[0],
                }
                rows.append(
                    {**row, "kind": world, "facet": facet, "policy": "", "id": "", "swept": False}
                )
        return rows

    def _world(self, point: str, world: str) -> dict[str, Any]:
        path = self.directory / "points" / point / "baseline_worlds.json"
        if not path.is_file():
            return {}
        block = json.loads(path.read_text(encoding="utf-8")).get(world, {})
        return dict(block)

    @cached_property
    def sweeps_policies(self) -> bool:
        """Whether settings differ in the request policy, or in the world around the models."""
        return any(_section(key) not in ("models", "workload", *REPLICATES) for key in self.swept)

    @cached_property
    def sweeps_models(self) -> bool:
        """Whether settings differ in the models or in what is replayed."""
        keys = (key for key in self.swept if key not in REPLICATES)
        return any(_section(key) in ("models", "workload") for key in keys)

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

    def points_of(self, row: "pd.Series[Any]") -> list[str]:
        """Return the points of a setting: one for each seed."""
        same = (
            (self.points["facet"] == row["facet"])
            & (self.points["kind"] == row["kind"])
            & (self.points["policy"] == row["policy"])
        )
        return [str(point) for point in self.points.loc[same, "id"]]

    def sums(self, points: Iterable[str]) -> pd.DataFrame:
        """Return sums over points by series and user: `interactions` and the metrics, float64."""
        frames = [
            read_frame(self.directory / "points" / point / "accuracy_by_user.parquet")
            for point in points
        ]
        frame = pd.concat(frames).astype({"series": str})
        summed = frame.groupby(["series", "user"], sort=True)[["interactions", *METRICS]].sum()
        return summed.astype(np.float64)

    def share_ranked_by_llm(self, points: Iterable[str]) -> float:
        """Return the share of the points' interactions that the devices did not re-rank."""
        frames = [
            read_frame(self.directory / "points" / point / "interactions.parquet")
            for point in points
        ]
        ranked_by = pd.concat([frame["ranked_by"].astype(str) for frame in frames])
        return float((ranked_by == "llm").mean())

    def sums_of(self, row: "pd.Series[Any]") -> pd.DataFrame:
        """Return a setting's sums by user, over its seeds: `interactions` and the metrics."""
        return of_series(self.sums(self.points_of(row)), "run")


def of_series(sums: pd.DataFrame, series: str) -> pd.DataFrame:
    """Return the part of `SweepRecords.sums` that is one series', by user; empty without it."""
    part = sums[sums.index.get_level_values("series") == series]
    return part.droplevel("series")


def is_sweep(directory: Path) -> bool:
    """Return whether a directory holds a sweep."""
    return (directory / "sweep.parquet").exists()


def read(directory: str | Path) -> SweepRecords:
    """Read a sweep's directory.

    Raises:
        RecordsError: if a file is missing or malformed.
    """
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
        _labelled(points, directory, swept),
        swept,
        _axes(swept, scenario.get("sweep") or {}),
        scenario_path.read_text(encoding="utf-8") if scenario else "",
        str(scenario.get("description", "")).strip(),
        str(scenario.get("name", points["scenario"].iloc[0] if "scenario" in points else "sweep")),
    )


def _swept_keys(columns: list[str], block: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns that are no summary's: those beside its first and last ones.

    By position, because a swept key can be named like a part of the summary (`cloud.replicas`); but
    none that the scenario's sweep, where it is known, does not name.
    """
    first = columns.index("scenario") if "scenario" in columns else len(columns)
    last = max((i for i, name in enumerate(columns) if name.startswith("engine.")), default=first)
    beside = (name for name in columns[:first] + columns[last + 1 :] if name != "id")
    named = {"seed", *block, *(key for group in block.get("zip") or () for key in group)}
    return tuple(name for name in beside if not block or name in named)


def _axes(swept: tuple[str, ...], block: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """Return the swept keys, those of one `zip` group together."""
    groups = [tuple(key for key in swept if key in group) for group in block.get("zip") or ()]
    zipped = {key for group in groups for key in group}
    return (*((key,) for key in swept if key not in zipped), *(group for group in groups if group))


def _section(key: str) -> str:
    return key if key in REPLICATES else key.partition(".")[0]


def _labelled(points: pd.DataFrame, directory: Path, swept: tuple[str, ...]) -> pd.DataFrame:
    policy_keys = [key for key in swept if _section(key) == "policy"]
    facet_keys = [key for key in swept if key not in policy_keys and key not in REPLICATES]
    kinds = [_kind(directory, str(point)) for point in points["id"]]
    rows = points.to_dict("records")
    return points.assign(
        kind=kinds,
        policy=[_parameters_in_words(row, policy_keys) for row in rows],
        facet=[swept_words.of_values({key: row[key] for key in facet_keys}) for row in rows],
    )


def _kind(directory: Path, point: str) -> str:
    scenario = read_yaml(directory / "points" / point / "scenario.yaml")
    return str(scenario.get("policy", {}).get("kind", "policy"))


def _parameters_in_words(row: Mapping[Any, Any], keys: Iterable[str]) -> str:
    """Return the swept parameters of a policy; not those that its kind does not know."""
    given = {key: swept_words.plain(row[key]) for key in keys if key != "policy.kind"}
    for key, value in given.items():
        if isinstance(value, Mapping):
            given[key] = {name: inner for name, inner in value.items() if name != "kind"}
    return swept_words.of_values({key: value for key, value in given.items() if value is not None})


def _mean_row(part: pd.DataFrame) -> dict[str, Any]:
    numeric = part.select_dtypes("number").mean()
    first = part.iloc[0]
    return {str(k): numeric[k] if k in numeric else first[k] for k in part.columns}
