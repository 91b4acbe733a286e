"""What is to be done for one point of a sweep, wherever that is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiment.compared_world import simulate_compared
from experiment.failure import Failure
from experiment.run import run_scenario
from experiment.shared_inputs import SharedInputs, keep_world
from experiment.sweep_points import SweepPoint
from workloads.progress import SILENT


@dataclass(frozen=True)
class PointTask:
    """A piece of work for a point: to run it, or to simulate a world that it is compared with.

    Attributes:
        point: the point.
        output: the directory that the point's run gets, or the file that the world gets.
        shared: what it reads.
        entries: what the preparation names in the cache, relative to it.
        command_line: what the user typed, for the manifest.
        world: the name of the world to simulate; empty to run the point.
    """

    point: SweepPoint
    output: Path
    shared: SharedInputs
    entries: frozenset[Path]
    command_line: tuple[str, ...] = ()
    world: str = ""


Done = tuple[int, Failure | None]
"""The position of a task among all of them, and why it failed; None if it did not."""


Executor = Callable[[Callable[[PointTask], None], Sequence[PointTask]], Iterator[Done]]
"""Calls a function with every task, and tells what came of them as it comes."""


def work_on(task: PointTask) -> None:
    """Do what a task says."""
    if task.world:
        preparation = task.shared.prepared(task.point.scenario)
        world, _ = simulate_compared(preparation, task.world)
        keep_world(world, task.output)
        return
    run_scenario(
        task.point.scenario,
        task.output,
        SILENT,
        dropped_keys=task.point.dropped_keys,
        command_line=task.command_line,
        point=True,
        shared=task.shared,
    )
