"""What `summary.json` says of weights that changed along the run."""

from typing import Any

from experiment.preparation import Preparation
from sim.energy import training_energy_j
from sim.records.result import SimulationResult
from sim.world import World


def with_adaptation(
    summary: dict[str, Any], preparation: Preparation, world: World, result: SimulationResult
) -> dict[str, Any]:
    """Return the summary with the block `adaptation` and the bytes of pushed parameters.

    Args:
        summary: as `analysis.summary` makes it from the records.
        preparation: the run's settings.
        world: the run's world.
        result: what came of it.

    Returns:
        Another dictionary; `bytes.down` then holds the pushed parameters too, of which
        `bytes.parameters` is the part, and `adaptation` is null where weights never change.
    """
    pushed = result.pushed_bytes
    traffic = summary["bytes"]
    summary = {
        **summary,
        "bytes": {**traffic, "down": traffic["down"] + pushed, "parameters": pushed},
    }
    engine = summary.pop("engine")
    return {**summary, "adaptation": _block(preparation, world, result), "engine": engine}


def _block(
    preparation: Preparation, world: World, result: SimulationResult
) -> dict[str, Any] | None:
    if preparation.adaptation is None or result.adaptation is None:
        return None
    log = result.adaptation.log
    return {
        "kind": preparation.scenario.models.adaptation.kind,
        "trainings": len(log.trainings),
        "skipped_for_budget": log.skipped_for_budget,
        "skipped_while_training": log.skipped_while_training,
        "pushes": len(log.pushes),
        "parameter_bytes": preparation.adaptation.parameter_bytes,
        "training_s": log.training_s,
        "training_energy_j": training_energy_j(world, result.adaptation),
        "adapted_interactions": int((result.interactions.version > 0).sum()),
    }
