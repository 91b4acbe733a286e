"""Runs side by side: their numbers, differences on the same users, and what set them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import RecordsError
from analysis.intervals import RESAMPLES, Estimate, Ratios, UserResamples
from analysis.metrics import METRICS
from analysis.records import read_frame, read_json, read_yaml

FREQUENCY = "request_frequency"

#: What a mean over interactions is known of, with its interval over users.
NUMBERS = (FREQUENCY, *METRICS)

#: Keys that say what a scenario is called and asks, not what it does.
NAMES = ("name", "description", "sweep")


@dataclass(frozen=True)
class ComparedRun:
    """One run, as far as it is compared.

    Attributes:
        label: what the page calls it: as much of its path as tells it from the others.
        directory: where it is.
        summary: `summary.json`.
        manifest: `manifest.json`.
        scenario: the resolved scenario.
        by_user: a row per user (the index), with `interactions` and, of each of `NUMBERS`, the sum.
    """

    label: str
    directory: Path
    summary: dict[str, Any]
    manifest: dict[str, Any]
    scenario: dict[str, Any]
    by_user: pd.DataFrame

    @cached_property
    def ratios(self) -> Ratios:
        """The means over interactions of `NUMBERS`, in that order."""
        interactions = self.by_user[["interactions"]].to_numpy(dtype=np.float64)
        sums = self.by_user[list(NUMBERS)].to_numpy(dtype=np.float64)
        count = np.repeat(interactions, len(NUMBERS), axis=1)
        return UserResamples(len(self.by_user)).ratios(sums, count)

    def mean(self, number: str) -> Estimate:
        """Return the mean over interactions of one of `NUMBERS`, with its interval."""
        return self.ratios.estimate(NUMBERS.index(number))

    @property
    def policy_kind(self) -> str:
        """The kind of its request policy."""
        return str(self.scenario.get("policy", {}).get("kind", "policy"))


@dataclass(frozen=True)
class Difference:
    """A run less the first.

    Attributes:
        run: the run.
        values: of each of `NUMBERS` the difference; the interval is paired where `unpaired` is
            empty, and else that of two independent samples of users.
        unpaired: what keeps users from being paired; empty where nothing does.
    """

    run: ComparedRun
    values: dict[str, Estimate]
    unpaired: str


@dataclass(frozen=True)
class Comparison:
    """Runs to compare, of which the first is the one that the others are held against."""

    runs: tuple[ComparedRun, ...]

    @cached_property
    def differences(self) -> list[Difference]:
        """Each other run less the first."""
        return [_difference(run, self.runs[0]) for run in self.runs[1:]]

    @cached_property
    def settings(self) -> pd.DataFrame:
        """The keys in which the scenarios differ: a row per key, a column per run, as text."""
        return _differing([flat_settings(run.scenario) for run in self.runs], self.runs)

    @cached_property
    def versions(self) -> pd.DataFrame:
        """The versions and content hashes in which the runs differ, as `settings`."""
        flat = [
            flat_settings({key: run.manifest.get(key) or {} for key in ("versions", "hashes")})
            for run in self.runs
        ]
        return _differing(flat, self.runs)


def read(directories: Sequence[str | Path]) -> Comparison:
    """Read runs, each from its own directory.

    Raises:
        RecordsError: a directory is none of a run, or its files are malformed.
    """
    paths = [Path(directory) for directory in directories]
    return Comparison(
        tuple(_run(path, label) for path, label in zip(paths, _labels(paths), strict=True))
    )


def _run(directory: Path, label: str) -> ComparedRun:
    if not directory.is_dir():
        raise RecordsError(directory, "no such directory; give directories that runs wrote")
    if (directory / "sweep.parquet").exists():
        raise RecordsError(directory, "is a sweep; give points of it, as DIR/points/ID")
    if not (directory / "summary.json").exists():
        raise RecordsError(directory, "holds no result of a run: there is no summary.json")
    accuracy = read_frame(directory / "accuracy_by_user.parquet")
    run = accuracy[accuracy["series"].astype(str) == "run"].set_index("user")
    interactions = read_frame(directory / "interactions.parquet", ["user", "requested"])
    requests = interactions.groupby("user")["requested"].sum().reindex(run.index)
    return ComparedRun(
        label,
        directory,
        read_json(directory / "summary.json"),
        read_json(directory / "manifest.json"),
        read_yaml(directory / "scenario.yaml"),
        run[["interactions", *METRICS]].assign(**{FREQUENCY: requests}),
    )


def _labels(paths: Sequence[Path]) -> list[str]:
    """Return the shortest endings of the paths that tell them apart; numbered where none do."""
    parts = [path.resolve().parts for path in paths]
    for length in range(1, max(map(len, parts), default=0) + 1):
        labels = ["/".join(part[-length:]) for part in parts]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{path.name} ({number})" for number, path in enumerate(paths, 1)]


def flat_settings(values: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Return nested settings as key paths and texts, without those that only name a scenario."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        if not above and key in NAMES:
            continue
        if isinstance(value, Mapping):
            flat |= flat_settings(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = "none" if value is None else str(value)
    return flat


def _differing(flat: Sequence[Mapping[str, str]], runs: Sequence[ComparedRun]) -> pd.DataFrame:
    keys = dict.fromkeys(key for each in flat for key in each)
    rows = [(key, *(each.get(key, "") for each in flat)) for key in keys]
    kept = [row for row in rows if len(set(row[1:])) > 1]
    return pd.DataFrame(kept, columns=["key", *(run.label for run in runs)])


def _difference(run: ComparedRun, first: ComparedRun) -> Difference:
    unpaired = _what_unpairs(run, first)
    ratios, others = run.ratios, first.ratios
    if unpaired:
        # Equally many users have the same resamples: shifted by half of them, they are independent.
        shifted = np.roll(others.resampled, RESAMPLES // 2, axis=0)
        others = Ratios(others.values, shifted, others.enough)
    values = {name: ratios.difference(i, others, i) for i, name in enumerate(NUMBERS)}
    return Difference(run, values, unpaired)


def _what_unpairs(run: ComparedRun, first: ComparedRun) -> str:
    """Return why users of two runs are not the same people under the same draws; else nothing."""

    def of(each: ComparedRun, name: str) -> object:
        return (each.manifest.get("hashes") or {}).get(name)

    if of(run, "dataset") != of(first, "dataset"):
        return "other data"
    if of(run, "split") != of(first, "split"):
        return "another split"
    if not run.by_user.index.equals(first.by_user.index):
        return "other users"
    if run.scenario.get("seed") != first.scenario.get("seed"):
        return "another seed"
    return ""
