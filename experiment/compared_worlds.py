"""A run's world and those that it is compared with, simulated one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiment.baseline_worlds import baseline_names, baseline_policies
from experiment.compared_world import ComparedWorld, simulate_compared
from experiment.preparation import Preparation
from experiment.shared_inputs import SharedInputs
from sim.engine import simulate
from sim.records.result import SimulationResult
from sim.world import World
from workloads.progress import Progress


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
        known = None if shared is None else shared.world(name)
        if known is not None:
            compared[name] = known
            continue
        compared[name], result = simulate_compared(preparation, name, progress)
        simulated += result.interactions.interactions
        if run.assigned is None and run.policy == baseline_policies().get(name):
            of_run = result
        del result
    if of_run is None:
        of_run = simulate(run, progress)
        simulated += of_run.interactions.interactions
    return Worlds(of_run, compared, simulated)
