"""The records of one run, read from the files of its directory."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from analysis.accuracy import SERIES, Accuracies
from analysis.errors import RecordsError
from analysis.intervals import UserResamples
from analysis.stored_columns import Columns, StoredColumns

COLUMNS = {
    "devices.parquet": "device user steps start_s class cell region",
    "interactions.parquet": (
        "device user step decision_s shown_s list_source list_age_steps list_age_s consistency "
        "wanted suppressed requested ranked_by rank"
    ),
    "requests.parquet": (
        "device step sent_s arrived_cloud_s service_start_s service_end_s received_s bytes_up "
        "bytes_down batch_size attempts outcome"
    ),
    "cloud.parquet": "time_s replicas_on replicas_serving outage",
    "cloud_load.parquet": (
        "start_s end_s waiting busy_replicas arrived served rejected failed dropped vanished"
    ),
    "coverage.parquet": "time_s regime devices",
    "accuracy_by_user.parquet": "user series interactions",
    "freshness.parquet": "user step age_steps consistency rank",
    "replay.parquet": "user step item item_count history_interactions",
}

WORLDS = ("run", "never", "always")
"""The worlds that every run simulates: its own, and the ends that it is compared with."""


@dataclass(frozen=True)
class RunRecords:
    """Everything that the directory of one run holds.

    Attributes:
        directory: where the files are.
        devices: a row per device; None where an older program wrote the run (`devices.parquet`).
        interactions: a row per interaction (`interactions.parquet`), its columns read when needed.
        requests: a row per request (`requests.parquet`), likewise.
        cloud: a row per change of the number of replicas, or of an outage (`cloud.parquet`).
        cloud_load: a row per bin of simulated time (`cloud_load.parquet`).
        coverage: devices on each network over time; None where all always were on one
            (`coverage.parquet`).
        accuracies: means and paired differences of the run and its baselines.
        freshness: a row per user, step and forced list age, of the users in this run.
        replay: a row per user and step: what was taken; None where an older program wrote the run
            (`replay.parquet`).
        summary: `summary.json`.
        manifest: `manifest.json`.
        baseline_worlds: request frequency, energy by state and more of each of `WORLDS`.
        scenario: the resolved scenario.
        scenario_text: the resolved scenario as YAML.
    """

    directory: Path
    devices: pd.DataFrame | None
    interactions: Columns
    requests: Columns
    cloud: pd.DataFrame
    cloud_load: pd.DataFrame
    coverage: pd.DataFrame | None
    accuracies: Accuracies
    freshness: pd.DataFrame
    replay: pd.DataFrame | None
    summary: dict[str, Any]
    manifest: dict[str, Any]
    baseline_worlds: dict[str, Any]
    scenario: dict[str, Any]
    scenario_text: str

    @cached_property
    def users(self) -> "pd.Index[int]":
        """The users of the run, ascending: the rows that intervals resample."""
        return _users(self.interactions)

    @cached_property
    def resamples(self) -> UserResamples:
        """The resamples that everything in this run's report shares."""
        return UserResamples(len(self.users))

    @cached_property
    def request_user_row(self) -> NDArray[np.int64]:
        """For each request the position of its user in `users`: int64, shape [requests]."""
        device = self.interactions["device"].to_numpy(np.int64)
        row_of_device = np.zeros(int(device.max(initial=-1)) + 1, np.int64)
        row_of_device[device] = self.interaction_user_row
        asking = self.requests["device"].to_numpy(np.int64)
        return np.asarray(row_of_device[asking], dtype=np.int64)

    @cached_property
    def interaction_user_row(self) -> NDArray[np.int64]:
        """For each interaction the position of its user in `users`: int64, shape [interactions]."""
        return self.user_row(self.interactions["user"])

    def user_row(self, user: pd.Series) -> NDArray[np.int64]:
        """Return the position in `users` of each user given: int64, same shape; -1 if absent."""
        users, wanted = self.users.to_numpy(), np.asarray(user, dtype=np.int64)
        highest = int(max(users.max(initial=0), wanted.max(initial=0)))
        row = np.full(highest + 1, -1, np.int64)
        row[users] = np.arange(len(users))
        return np.asarray(row[wanted], dtype=np.int64)

    @property
    def simulated_s(self) -> float:
        """Length of the run in simulated seconds."""
        return float(self.summary["engine"]["simulated_s"])

    @property
    def policy_kind(self) -> str:
        """The kind of the run's request policy."""
        return str(self.scenario.get("policy", {}).get("kind", "policy"))


def read(directory: str | Path) -> RunRecords:
    """Read the files of a run's directory.

    Raises:
        RecordsError: if a file is missing or malformed, or has not the columns it should have.
    """
    directory = Path(directory)
    interactions = _stored(directory / "interactions.parquet")
    freshness = read_frame(directory / "freshness.parquet")
    return RunRecords(
        directory=directory,
        devices=_read_if_there(directory / "devices.parquet"),
        interactions=interactions,
        requests=_stored(directory / "requests.parquet"),
        cloud=read_frame(directory / "cloud.parquet"),
        cloud_load=read_frame(directory / "cloud_load.parquet"),
        coverage=_read_if_there(directory / "coverage.parquet"),
        accuracies=_accuracies(directory / "accuracy_by_user.parquet"),
        freshness=freshness[freshness["user"].isin(_users(interactions))],
        replay=_read_if_there(directory / "replay.parquet"),
        summary=read_json(directory / "summary.json"),
        manifest=read_json(directory / "manifest.json"),
        baseline_worlds=_worlds(directory / "baseline_worlds.json"),
        scenario=read_yaml(directory / "scenario.yaml"),
        scenario_text=_text(directory / "scenario.yaml"),
    )


def _users(interactions: Columns) -> "pd.Index[int]":
    users = np.sort(np.asarray(interactions["user"].unique(), dtype=np.int64))
    return pd.Index(users)


def _read_if_there(path: Path) -> pd.DataFrame | None:
    return read_frame(path) if path.exists() else None


def _accuracies(path: Path) -> Accuracies:
    accuracies = Accuracies(read_frame(path))
    missing = [name for name in SERIES if name not in accuracies.series]
    if missing:
        raise RecordsError(path, f"lacks the series {missing[0]!r}")
    return accuracies


def _worlds(path: Path) -> dict[str, Any]:
    worlds = read_json(path)
    missing = [name for name in WORLDS if not isinstance(worlds.get(name), dict)]
    if missing:
        raise RecordsError(path, f"lacks the world {missing[0]!r}")
    return worlds


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecordsError(path, "no such file; a finished run's directory has it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordsError(path, f"cannot be read ({error})") from None


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        RecordsError: if it is missing or holds anything else.
    """
    try:
        content = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise RecordsError(path, f"is no JSON: line {error.lineno}: {error.msg}") from None
    if not isinstance(content, dict):
        raise RecordsError(path, "must hold one JSON object")
    return content


# libyaml's where it is there, ten times as fast: a sweep's page reads the scenario of every point.
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file that holds one YAML mapping.

    Raises:
        RecordsError: if it is missing or holds anything else.
    """
    try:
        content = yaml.load(_text(path), Loader=_YAML)
    except yaml.YAMLError as error:
        raise RecordsError(path, "is no YAML: " + " ".join(str(error).split())) from None
    if not isinstance(content, dict):
        raise RecordsError(path, "must hold one YAML mapping")
    return content


def read_frame(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a parquet file and check that it has the columns of its name in `COLUMNS`.

    Args:
        path: of the file.
        columns: those to read; by default all.

    Raises:
        RecordsError: if it is missing, malformed or lacks a column.
    """
    stored = _stored(path)
    return stored.frame() if columns is None else stored[columns]


def _stored(path: Path) -> StoredColumns:
    if not path.is_file():
        raise RecordsError(path, "no such file; a finished run's directory has it")
    stored = StoredColumns(path)
    missing = [name for name in COLUMNS.get(path.name, "").split() if name not in stored]
    if missing:
        raise RecordsError(path, f"lacks the column {missing[0]!r}")
    return stored
