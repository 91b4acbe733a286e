"""What a simulated world cost: for the comparison of a run with its baselines."""

from typing import Any

import numpy as np

from analysis import summary
from analysis.distributions import distribution
from experiment.cloud_records import cloud_capacity
from sim.client.request import Outcome
from sim.cloud.settings import CloudSettings
from sim.records.result import SimulationResult


def world_costs(cloud: CloudSettings, result: SimulationResult) -> dict[str, Any]:
    """Return a world's block in `baseline_worlds.json`.

    Args:
        cloud: the scenario's.
        result: what the world left behind.
    """
    requests, energy = result.requests, energy_of(result)
    devices, _ = result.interactions.happened.shape
    total_j = energy.compute_j + energy.radio_j
    counts = np.bincount(requests.outcome, minlength=len(Outcome)).tolist()
    answered = (requests.outcome == Outcome.DELIVERED) | (requests.outcome == Outcome.SUPERSEDED)
    response_s = requests.reply_s[answered] - requests.sent_s[answered]
    return {
        "requests": len(requests.device),
        "request_frequency": len(requests.device) / result.interactions.interactions,
        "outcomes": {each.name.lower(): counts[each] for each in Outcome},
        "response_s": distribution(response_s),
        "bytes": {
            "up": int(requests.bytes_up.sum()),
            "down": int(requests.bytes_down.sum()) + result.pushed_bytes,
        },
        "energy_j": {"total": total_j, "per_device": total_j / devices},
        "energy_by_state_j": result.energy_j,
        "energy_by_radio_j": result.network.radio_energy_j,
        "cloud": summary.cloud_block(cloud_capacity(cloud, result.cloud)),
    }


def energy_of(result: SimulationResult) -> summary.Energy:
    """Return what the devices of a world used, for its summary."""
    spent_j = dict(result.energy_j)
    idle_j, compute_j = spent_j.pop("idle", None), spent_j["compute"]
    radio_j = sum(spent_j.values()) - compute_j
    return summary.Energy(compute_j=compute_j, radio_j=radio_j, idle_j=idle_j)
