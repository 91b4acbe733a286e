"""The workload whose speed is measured: about as large as the plain program can live through."""

from collections.abc import Mapping
from typing import Any

from experiment.scenario import LoadedScenario, from_mapping

BRIEF_RECIPE = {"max_epochs": 1, "warmup_batches": 20, "validation_users": 200}
"""How well the models are trained changes no speed, so they are trained briefly."""
THRESHOLD = 0.791
"""Asks at about 45% of the steps, as these models agree after their brief training."""


def workload(
    devices: int,
    *,
    users: int = 2000,
    items: int = 12_000,
    steps: int = 20,
    llm: Mapping[str, Any] | None = None,
    precision: str = "float32",
    threshold: float = THRESHOLD,
    swept: int = 0,
) -> LoadedScenario:
    """Return the scenario.

    Args:
        devices: as many of the users, or more, are replayed.
        users: in the log; all of them have tables.
        items: in the catalogue.
        steps: interactions of each device.
        llm: sizes of another LLM than that of 8 layers of width 256.
        precision: float32 or bfloat16, in which models read.
        threshold: of consistency, below which a device asks.
        swept: points of a sweep of the threshold from 0.70 to 0.84; 0 for none.
    """
    sizes = {"hidden": 256, "layers": 8, "heads": 8, "intermediate": 688} if llm is None else llm
    values: dict[str, Any] = {
        "name": "throughput",
        "workload": {
            "dataset": "synthetic",
            "devices": devices,
            "history": 50,
            "replay_steps": steps,
            "synthetic": {"users": users, "items": items},
        },
        "models": {
            "srm": {"kind": "sasrec", "hidden": 64, "layers": 2},
            "llm": {"kind": "causal_lm", **sizes},
            "training": {"srm": BRIEF_RECIPE, "llm": BRIEF_RECIPE},
            "candidates": {"count": 50},
            "precision": precision,
            "fusion": 3,
        },
        "policy": {"kind": "consistency", "threshold": threshold},
        "serving": {"mode": "stale"},
        "network": {"preset": "3g"},
        "cloud": {
            "devices_per_replica": 1000,
            "batching": {"size": 8, "wait_s": 0.02},
            "service_time": {"kind": "roofline", "accelerator": "a100"},
        },
    }
    if swept:
        last = max(1, swept - 1)
        thresholds = [round(0.70 + 0.14 * point / last, 6) for point in range(swept)]
        values["sweep"] = {"policy.threshold": thresholds}
    return from_mapping(values, "throughput")
