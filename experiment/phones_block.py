"""What `summary.json` says of the phones: their classes, who ranked, how full batteries were."""

from typing import Any

import numpy as np

from sim.device.hardware import HardwareClass
from sim.records.interactions import RankedBy
from sim.records.result import SimulationResult
from sim.world import World


def with_phones(summary: dict[str, Any], world: World, result: SimulationResult) -> dict[str, Any]:
    """Return the summary with the block `phones`, before the block `engine`.

    Args:
        summary: as `analysis.summary` makes it from the records.
        world: the run's world.
        result: what came of it.

    Returns:
        Another dictionary. `phones` has the number of devices of each class (null without classes),
        how many users left before the end of their window, the share of interactions that devices
        re-ranked, and the mean share of a full battery at the last decision (null without
        batteries).
    """
    records = result.interactions
    engine = summary.pop("engine")
    reranked = records.happened & (records.ranked_by == RankedBy.FUSION)
    last_step = world.sessions.steps - 1
    battery_share = None
    if records.battery_share.size:
        battery_share = float(records.battery_share[np.arange(world.devices), last_step].mean())
    phones = {
        "classes": _classes(world),
        "left_early": int((world.sessions.steps < world.table.steps).sum()),
        "reranked": float(reranked.sum() / records.interactions),
        "battery_share_at_end": battery_share,
    }
    return {**summary, "phones": phones, "engine": engine}


def _classes(world: World) -> dict[str, int] | None:
    """Return the number of devices of each class; None where there are no classes."""
    counts = {
        hardware.kind: int(devices.sum())
        for hardware, _, devices in world.phones.groups()
        if isinstance(hardware, HardwareClass)
    }
    return counts or None
