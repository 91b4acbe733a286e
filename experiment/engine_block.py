"""What `summary.json` says of the program itself: the only part that differs from run to run."""

import resource
import sys
from dataclasses import dataclass
from typing import Any

from experiment.compared_worlds import Worlds
from experiment.preparation import Preparation
from experiment.stopwatch import Stopwatch


@dataclass(frozen=True)
class EngineFacts:
    """How much was simulated.

    Attributes:
        simulated_s: length of the run in simulated seconds.
        events: that the run's clock scheduled.
        interactions: in all worlds that were simulated here.
    """

    simulated_s: float
    events: int
    interactions: int

    @classmethod
    def of(cls, worlds: Worlds) -> "EngineFacts":
        """Return how much was simulated for a run."""
        return cls(worlds.run.simulated_s, worlds.run.events, worlds.simulated_interactions)


def engine_block(preparation: Preparation, facts: EngineFacts, watch: Stopwatch) -> dict[str, Any]:
    """Return the block `engine`, with the wall time of the phases so far."""
    models = preparation.models
    live_s = preparation.model_time.wall_s
    prepare_s = watch.wall_s["prepare"] - models.train_s - models.infer_s
    simulate_s = watch.wall_s["simulate"] - live_s
    return {
        "wall_s": {
            "prepare": prepare_s,
            "train": models.train_s,
            "infer": models.infer_s + live_s,
            "simulate": simulate_s,
            "report": watch.wall_s["report"],
        },
        "simulated_s": facts.simulated_s,
        "events": facts.events,
        "interactions_per_s": facts.interactions / (prepare_s + simulate_s),
        "peak_rss_mb": peak_rss_mb(),
        "cached": models.cached and preparation.adaptation is None,
    }


def peak_rss_mb(who: int = resource.RUSAGE_SELF) -> float:
    """Return the peak resident memory of this process or of the largest of its children, MiB."""
    peak = resource.getrusage(who).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
