"""Energy that the fleet spends on computing and on its radios."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sim.network.links import Links
from sim.network.transfers import Transfers
from sim.records.interactions import InteractionRecords
from sim.records.network import NetworkRecords
from sim.retraining.records import AdaptationRecords
from sim.world import World


def fleet_energy_j(
    world: World,
    network: NetworkRecords,
    interactions: InteractionRecords,
    adaptation: AdaptationRecords | None = None,
) -> dict[str, float]:
    """Return the energy of all devices by state, J.

    The SRM scores the list once at every step that is re-ranked, and once more when a device that
    waited shows the new list. Training on a device counts as computing. What the phones spend
    besides is `idle`, which is there where the hardware has idle power: that power over the whole
    session, from its start until its last list is shown, whatever the app does. Times in the
    background and with an empty battery are included, because a phone that plays another app has
    its screen on too, and so that `idle` is the same for policies whose sessions take as long. It
    drains batteries, but it is no cost of the app, which is `compute` and `radio_*` alone.
    What the radios do is counted up to the end of the simulation (`energy_by_radio_j`).
    """
    scorings, compute_j = interactions.scorings, 0.0
    for hardware, scoring_s, devices in world.phones.groups():
        compute_j += hardware.active_power_w * scoring_s * int(scorings[devices].sum())
    if adaptation is not None:
        compute_j += training_energy_j(world, adaptation)
    return {
        "compute": compute_j,
        **{f"radio_{state}": energy_j for state, energy_j in network.spent_j.items()},
        **_idle_energy_j(world, interactions),
    }


def _idle_energy_j(world: World, interactions: InteractionRecords) -> dict[str, float]:
    """Return the energy `idle`, if any hardware has idle power."""
    if not any(hardware.idle_power_w for hardware in world.phones.hardware):
        return {}
    session_s = interactions.last_shown_s - world.sessions.start_s
    return {
        "idle": sum(
            hardware.idle_power_w * float(session_s[devices].sum())
            for hardware, _, devices in world.phones.groups()
        )
    }


def network_records(
    links: Links, interactions: InteractionRecords, blocks: Iterable[Transfers] | None = None
) -> NetworkRecords:
    """Return what the links were like, what crossed them, and what it cost.

    Args:
        links: of the fleet.
        interactions: of all devices.
        blocks: the transfers, as `Transfers.blocks` yields them; by default those in the log.
    """
    last_s, horizon_s = interactions.last_decision_s, interactions.horizon_s
    every = links.log.columns().blocks() if blocks is None else blocks
    counted = (counted_transfers(block, last_s, horizon_s) for block in every)
    return NetworkRecords.of(links, counted, len(last_s), horizon_s)


def counted_transfers(
    transfers: Transfers, last_decision_s: NDArray[np.float64], horizon_s: float
) -> Transfers:
    """Return the transfers that count: those sent before the end of the simulation.

    Nobody takes parameters that are pushed after a device's last decision.

    Args:
        transfers: of any devices.
        last_decision_s: float64, shape [devices]; when each device decided for the last time.
        horizon_s: the end.
    """
    counted = transfers.sent_s <= horizon_s
    if transfers.parameters.any():
        too_late = transfers.first_sent_s > last_decision_s[transfers.device]
        counted &= ~(transfers.parameters & too_late)
    return transfers.where(counted)


def training_energy_j(world: World, adaptation: AdaptationRecords) -> float:
    """Return what training cost the devices, J; what it costs the cloud is not counted."""
    log = adaptation.log
    return sum(
        hardware.active_power_w * log.on_devices_s(devices)
        for hardware, _, devices in world.phones.groups()
    )
