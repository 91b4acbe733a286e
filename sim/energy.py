"""Energy that the fleet spends on computing and on its radios."""

import numpy as np

from sim.network.network import Direction, Links
from sim.radio import Radio, Transfers, radio_energy_j
from sim.records import AdaptationRecords, InteractionRecords, RequestRecords
from sim.request import NEVER_S
from sim.world import World


def fleet_energy_j(
    world: World,
    links: Links,
    interactions: InteractionRecords,
    requests: RequestRecords,
    adaptation: AdaptationRecords | None = None,
) -> dict[str, float]:
    """Return the energy of all devices by state, J.

    The SRM scores the list once at every step, and once more when a device that waited shows the
    new list. An upload crosses the link as soon as it is sent; the last byte of a reply crosses it
    when it arrives, and so do pushed parameters. Training on a device counts as computing.
    """
    rescored = int((interactions.shown_row != interactions.held_row).sum())
    scorings = interactions.decision_s.size + rescored
    compute_j = world.hardware.active_power_w * world.scoring_s * scorings
    transfers = _transfers(links, requests)
    if adaptation is not None:
        compute_j += training_energy_j(world, adaptation)
        transfers = transfers + _downloads(links, adaptation)
    radio = radio_energy_j(Radio.named(world.network.radio), transfers)
    return {
        "compute": compute_j,
        **{f"radio_{state}": energy_j for state, energy_j in radio.items()},
    }


def training_energy_j(world: World, adaptation: AdaptationRecords) -> float:
    """Return what training cost the devices, J; what it costs the cloud is not counted."""
    return world.hardware.active_power_w * adaptation.log.on_device_s


def _downloads(links: Links, adaptation: AdaptationRecords) -> Transfers:
    arrived = [push for push in adaptation.log.pushes if push.received_s < NEVER_S]
    device = np.array([push.device for push in arrived], np.int64)
    size_bytes = np.array([push.size_bytes for push in arrived], np.int64)
    end_s = np.array([push.received_s for push in arrived])
    return Transfers(
        device=device,
        start_s=end_s - links.transfers_s(Direction.DOWN, device, size_bytes),
        end_s=end_s,
        up_bytes=np.zeros_like(size_bytes),
        down_bytes=size_bytes,
    )


def _transfers(links: Links, requests: RequestRecords) -> Transfers:
    answered = np.isfinite(requests.reply_s)
    up_s = links.transfers_s(Direction.UP, requests.device, requests.bytes_up)
    down_s = links.transfers_s(
        Direction.DOWN, requests.device[answered], requests.bytes_down[answered]
    )
    reply_s = requests.reply_s[answered]
    none_up, none_down = np.zeros_like(requests.bytes_up), np.zeros_like(requests.bytes_down)
    return Transfers(
        device=np.concatenate((requests.device, requests.device[answered])),
        start_s=np.concatenate((requests.sent_s, reply_s - down_s)),
        end_s=np.concatenate((requests.sent_s + up_s, reply_s)),
        up_bytes=np.concatenate((requests.bytes_up, none_up[answered])),
        down_bytes=np.concatenate((none_down, requests.bytes_down[answered])),
    )
