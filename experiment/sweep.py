"""A sweep: every point of a scenario, its results side by side."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from analysis import report, summary
from experiment.directories import Directories
from experiment.executors import on_processes, on_ray
from experiment.named_contents import NamedContents
from experiment.preparation import prepare
from experiment.remaining_points import point_directory, remaining_points
from experiment.run import run_scenario
from experiment.scenario import LoadedScenario, dump
from experiment.sweep_points import SweepPoint, in_words, label, sweep_points
from workloads.progress import SILENT, Progress


def run_sweep(
    loaded: LoadedScenario,
    directory: Path,
    progress: Progress,
    *,
    jobs: int = 1,
    ray: str = "",
    command_line: Sequence[str] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Run every point of a sweep that `directory` does not hold yet, and compare them.

    A point is made again where the contents of files that its scenario names have changed.

    Everything that comes from models is made once, before the points, and shared by them through
    the cache. A point's directory appears when it is complete, so a killed sweep goes on where it
    was.

    Args:
        loaded: a scenario with a sweep.
        directory: gets `points/ID/`, `sweep.parquet` and `report.html`.
        progress: told of finished points.
        jobs: processes that simulate side by side.
        ray: address of a Ray cluster that works on the points instead; empty for none.
        command_line: what the user typed, for the manifests.
        tell: gets a line that says why points are made again, where some are.

    Returns:
        The table of `sweep.parquet`: a row a point, its id, swept values and flattened summary.
    """
    points = sweep_points(loaded)
    directories = Directories.from_environment().absolute()
    directory = directory.absolute()
    remaining = remaining_points(points, directory, NamedContents(directories))
    missing = remaining.points
    if reason := remaining.reason():
        tell(reason)
    for scenario in {_model_identity(point): point.scenario for point in missing}.values():
        prepare(scenario, directories, progress)
    directory.mkdir(parents=True, exist_ok=True)
    for left_by_a_kill in directory.glob("points/.*"):
        shutil.rmtree(left_by_a_kill)
    tasks = [
        (point, point_directory(directory, point), directories, tuple(command_line))
        for point in missing
    ]
    finished = on_ray(_run_point, tasks, ray) if ray else on_processes(_run_point, tasks, jobs)
    with progress.phase("points", len(missing)) as advance:
        for name in finished:
            advance(1, name)
    table = _table(points, directory)
    _replace_text(directory / "scenario.yaml", dump(loaded.scenario))
    staging = directory / ".sweep.parquet"
    table.to_parquet(staging, index=False)
    os.replace(staging, directory / "sweep.parquet")
    with progress.phase("write the report", 1):
        report.write(directory)
    return table


def _run_point(
    point: SweepPoint, directory: Path, directories: Directories, command_line: Sequence[str]
) -> str:
    run_scenario(
        point.scenario,
        directory,
        SILENT,
        dropped_keys=point.dropped_keys,
        command_line=command_line,
        directories=directories,
        point=True,
    )
    return in_words(point.values)


def _model_identity(point: SweepPoint) -> str:
    """Return what decides a point's models: points that share it share weights and tables."""
    scenario = point.scenario
    # Every fusion is in one store, and what devices re-train starts from it.
    models = scenario.models.model_dump_json(exclude={"fusion", "adaptation"})
    first_list_age = scenario.serving.first_list_age_steps
    return json.dumps([scenario.workload.model_dump_json(), models, first_list_age])


def _table(points: Sequence[SweepPoint], directory: Path) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for point in points:
        text = (point_directory(directory, point) / "summary.json").read_text(encoding="utf-8")
        rows.append({"id": point.id, **point.values, **summary.flatten(json.loads(text))})
    table = pd.DataFrame(rows)
    for key in points[0].values:
        table[key] = _of_one_type([point.values[key] for point in points])
    return table


def _of_one_type(values: list[Any]) -> "pd.Series[Any]":
    """Return a swept key's values as a column; where their types differ, as they would be typed."""
    try:
        pa.array(values)
    except pa.ArrowException:
        return pd.Series(
            [None if value is None else label(value) for value in values], dtype=object
        )
    return pd.Series(values)


def _replace_text(path: Path, text: str) -> None:
    staging = path.with_name(f".{path.name}")
    staging.write_text(text, encoding="utf-8")
    os.replace(staging, path)
