"""Energy that the fleet spends on computing and on its radios."""

from sim.network.links import Links
from sim.network.transfers import NO_RADIO, Transfers
from sim.radio_energy import radio_energy_j
from sim.records import AdaptationRecords, InteractionRecords
from sim.world import World


def fleet_energy_j(
    world: World,
    links: Links,
    interactions: InteractionRecords,
    adaptation: AdaptationRecords | None = None,
) -> dict[str, float]:
    """Return the energy of all devices by state, J.

    The SRM scores the list once at every step, and once more when a device that waited shows the
    new list. Training on a device counts as computing.
    """
    rescored = int((interactions.shown_row != interactions.held_row).sum())
    scorings = interactions.decision_s.size + rescored
    compute_j = world.hardware.active_power_w * world.scoring_s * scorings
    if adaptation is not None:
        compute_j += training_energy_j(world, adaptation)
    transfers = counted_transfers(links, interactions)
    radio = radio_energy_j(links.radios.radios, transfers)
    return {
        "compute": compute_j,
        **{f"radio_{state}": energy_j for state, energy_j in radio.items()},
    }


def counted_transfers(links: Links, interactions: InteractionRecords) -> Transfers:
    """Return the transfers that count.

    What would need the radio after the end of the simulation never does, what never crosses does
    not either, and nobody takes parameters that are pushed after a device's last decision.
    """
    transfers = links.log.columns()
    too_late = transfers.sent_s > interactions.decision_s[transfers.device, -1]
    happened = (transfers.wake_s <= interactions.horizon_s) & (transfers.radio != NO_RADIO)
    return transfers.where(happened & ~(transfers.parameters & too_late))


def training_energy_j(world: World, adaptation: AdaptationRecords) -> float:
    """Return what training cost the devices, J; what it costs the cloud is not counted."""
    return world.hardware.active_power_w * adaptation.log.on_device_s
