"""A run's world and those that it is compared with, simulated one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from experiment.baseline_worlds import baseline_names, baseline_policies, baseline_world
from experiment.preparation import Preparation
from experiment.shared_inputs import SharedInputs
from experiment.world_costs import world_costs
from sim.engine import simulate
from sim.records.result import SimulationResult
from sim.world import World
from workloads.progress import Progress


@dataclass(frozen=True)
class ComparedWorld:
    """All that is kept of a world that a run is compared with.

    Attributes:
        rank: integer, shape [devices, steps]; of the next item in what was shown, 0 for a miss.
        costs: what it cost, for `baseline_worlds.json`.
    """

    rank: NDArray[Any]
    costs: Mapping[str, Any]


@dataclass(frozen=True)
class Worlds:
    """What came of a run's world and of those that it is compared with.

    Attributes:
        run: everything that the run left behind.
        compared: by name.
        simulated_interactions: how many happened in those of them that were simulated here.
    """

    run: SimulationResult
    compared: Mapping[str, ComparedWorld]
    simulated_interactions: int


def simulate_worlds(
    preparation: Preparation, run: World, shared: SharedInputs | None, progress: Progress
) -> Worlds:
    """Simulate a run, and those worlds that it is compared with and that are not known.

    Of each world only what is kept of it is held when the next one is simulated.

    Args:
        preparation: what worlds read.
        run: the world of the run.
        shared: knows worlds; None: none is known.
        progress: told how far the work is.
    """
    of_run: SimulationResult | None = None
    compared, simulated = {}, 0
    for name in baseline_names(preparation.scenario):
        compared[name], interactions, result = _simulated(preparation, name, shared, progress)
        simulated += interactions
        if run.assigned is None and run.policy == baseline_policies().get(name):
            of_run = result
        del result
    if of_run is None:
        of_run = simulate(run, progress)
        simulated += of_run.interactions.interactions
    return Worlds(of_run, compared, simulated)


def _simulated(
    preparation: Preparation, name: str, shared: SharedInputs | None, progress: Progress
) -> tuple[ComparedWorld, int, SimulationResult]:
    """Return what is kept of a world, the interactions simulated for it, and all of it."""
    known = None if shared is None else shared.world(name)
    world = baseline_world(preparation, name)
    result = known or simulate(world, progress)
    llm_table = preparation.models.outcomes.table(1)
    rank = result.rank(world.table, llm_table, world.sessions.user)
    kept = ComparedWorld(rank, world_costs(preparation.scenario.cloud, result))
    return kept, 0 if known else result.interactions.interactions, result
