"""A world that a run is compared with, and what is kept of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from experiment.baseline_worlds import baseline_world
from experiment.preparation import Preparation
from experiment.world_costs import world_costs
from sim.engine import simulate
from sim.records.result import SimulationResult
from workloads.progress import SILENT, Progress


@dataclass(frozen=True)
class ComparedWorld:
    """All that is kept of a world that a run is compared with.

    Attributes:
        rank: integer, shape [devices, steps]; of the next item in what was shown, 0 for a miss.
        costs: what it cost, for `baseline_worlds.json`.
    """

    rank: NDArray[Any]
    costs: Mapping[str, Any]


def simulate_compared(
    preparation: Preparation, name: str, progress: Progress = SILENT
) -> tuple[ComparedWorld, SimulationResult]:
    """Simulate one of the worlds that a run is compared with.

    Returns:
        What is kept of it, and all that it left behind.
    """
    world = baseline_world(preparation, name)
    result = simulate(world, progress)
    llm_table = preparation.models.outcomes.table(1)
    rank = result.rank(world.table, llm_table, world.sessions.user)
    return ComparedWorld(rank, world_costs(preparation.scenario.cloud, result)), result
