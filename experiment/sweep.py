"""A sweep: every point of a scenario, its results side by side."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from analysis import report
from experiment.directories import Directories
from experiment.executors import processes
from experiment.failed_points import FailedPoints
from experiment.failure import Failure
from experiment.named_contents import NamedContents
from experiment.point_work import Executor, PointTask, work_on
from experiment.preparation import prepare
from experiment.ray_cluster import ray_cluster
from experiment.remaining_points import point_directory, remaining_points
from experiment.scenario import LoadedScenario, dump
from experiment.shared_inputs import SharedInputs, keep_preparation, worlds_of
from experiment.sole_use import sole_use
from experiment.staging import replace_text
from experiment.sweep_points import SweepPoint, in_words, sweep_points
from experiment.sweep_table import sweep_table, write_sweep_table
from workloads.progress import Progress


@dataclass(frozen=True)
class SweepResult:
    """What came of a sweep.

    Attributes:
        table: of `sweep.parquet`: a row a finished point, its id, swept values and flattened
            summary; empty if none finished.
        failed: the points that have no result.
    """

    table: pd.DataFrame
    failed: FailedPoints


def run_sweep(
    loaded: LoadedScenario,
    directory: Path,
    progress: Progress,
    *,
    jobs: int = 1,
    ray: str = "",
    command_line: Sequence[str] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> SweepResult:
    """Run every point of a sweep that `directory` does not hold yet, and compare them.

    A point is made again where its data, the files that its scenario names, the libraries or the
    program itself have changed. One that fails is recorded, and the others go on.

    Everything that comes from models is made once, before the points, and so are the worlds that
    points are compared with. A point's directory appears when it is complete, so a killed sweep
    goes on where it was.

    Args:
        loaded: a scenario with a sweep.
        directory: gets `points/ID/`, `sweep.parquet` and `report.html`, and `failed.json` where
            points fail.
        progress: told of finished points.
        jobs: processes that simulate side by side.
        ray: address of a Ray cluster that works on the points instead; empty for none.
        command_line: what the user typed, for the manifests.
        tell: gets a line that says why points are made again, where some are.

    Raises:
        ScenarioError, WorkloadError, ModelError: nothing can be prepared, and the user can mend it;
            there is no such cluster; or another process works in the directory.
    """
    points = sweep_points(loaded)
    directories = Directories.from_environment().absolute()
    directories.make_cache()
    directory = directory.absolute()
    remaining = remaining_points(points, directory, NamedContents(directories))
    if reason := remaining.reason():
        tell(reason)
    with _shared_folder(directory) as folder:
        failed = FailedPoints(directory)
        tasks = _prepare(remaining.points, directory, directories, folder, failed, progress)
        tasks = [replace(task, command_line=tuple(command_line)) for task in tasks]
        with ray_cluster(ray) if ray else processes(jobs) as work_on_all:
            _simulate_baselines(tasks, work_on_all, progress)
            with progress.phase("points", len(tasks)) as advance:
                for position, failure in work_on_all(work_on, tasks):
                    point = tasks[position].point
                    if failure is not None:
                        failed.add(point, failure)
                    advance(1, in_words(point.values))
    table = sweep_table([point for point in points if point not in failed], directory)
    _write_comparison(table, loaded, directory, progress)
    return SweepResult(table, failed)


@contextmanager
def _shared_folder(directory: Path) -> Iterator[Path]:
    """Yield a folder for what points share; nothing of it outlives this invocation for long."""
    points = directory / "points"
    points.mkdir(parents=True, exist_ok=True)
    with sole_use(points):
        for left_by_a_kill in points.glob(".*"):
            shutil.rmtree(left_by_a_kill)
        folder = points / ".shared"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if not any(points.iterdir()):
                points.rmdir()


def _prepare(
    points: Sequence[SweepPoint],
    directory: Path,
    directories: Directories,
    folder: Path,
    failed: FailedPoints,
    progress: Progress,
) -> list[PointTask]:
    """Make the data and models of all points once, and return the points' tasks.

    Points that cannot be prepared are recorded, unless no point can, for the same reason.
    """
    tasks: list[PointTask] = []
    refusal: Exception | None = None
    for number, alike in enumerate(_by_models(points)):
        kept: frozenset[Path] | None = None
        file = folder / f"preparation-{number}"
        for point in alike:
            # A first one that fails by its own settings, as of faults, says nothing of the others.
            try:
                if kept is None:
                    preparation = prepare(point.scenario, directories, progress)
                    kept = keep_preparation(preparation, file, directories.cache)
            except Exception as error:
                refusal = refusal or error
                failed.add(point, Failure.of(error))
                continue
            shared = SharedInputs(file, worlds_of(point.scenario, folder), directories.cache)
            tasks.append(PointTask(point, point_directory(directory, point), shared, kept))
    if refusal is not None and len(failed) == len(points) and failed.are_one_mendable:
        failed.forget()
        raise refusal
    return tasks


def _by_models(points: Sequence[SweepPoint]) -> list[list[SweepPoint]]:
    """Return the points in groups that share data and models."""
    groups: dict[str, list[SweepPoint]] = {}
    for point in points:
        groups.setdefault(_model_identity(point), []).append(point)
    return list(groups.values())


def _simulate_baselines(
    tasks: Sequence[PointTask], work_on_all: Executor, progress: Progress
) -> None:
    """Simulate once what several points are compared with.

    A world that cannot be simulated is left to its points, which fail by it.
    """
    worlds = {
        path: replace(task, output=path, world=name)
        for task in tasks
        for name, path in task.shared.worlds.items()
    }
    with progress.phase("never and always", len(worlds)) as advance:
        for _ in work_on_all(work_on, list(worlds.values())):
            advance(1)


def _model_identity(point: SweepPoint) -> str:
    """Return what decides a point's models: points that share it share weights and tables."""
    scenario = point.scenario
    # Every fusion is in one store, and what devices re-train starts from it.
    models = scenario.models.model_dump_json(exclude={"fusion", "adaptation"})
    first_list_age = scenario.serving.first_list_age_steps
    return json.dumps([scenario.workload.model_dump_json(), models, first_list_age])


def _write_comparison(
    table: pd.DataFrame, loaded: LoadedScenario, directory: Path, progress: Progress
) -> None:
    """Write what compares the finished points, if there are any."""
    if table.empty:
        return
    replace_text(directory / "scenario.yaml", dump(loaded.scenario))
    write_sweep_table(table, directory / "sweep.parquet")
    with progress.phase("write the report", 1):
        report.write(directory)
