"""Energy that the fleet spends on computing and on its radios."""

import numpy as np

from sim.network.network import Direction, Links
from sim.radio import Radio, Transfers, radio_energy_j
from sim.records import InteractionRecords, RequestRecords
from sim.world import World


def fleet_energy_j(
    world: World, links: Links, interactions: InteractionRecords, requests: RequestRecords
) -> dict[str, float]:
    """Return the energy of all devices by state, J.

    The SRM scores the list once at every step, and once more when a device that waited shows the
    new list. An upload crosses the link as soon as it is sent; the last byte of a reply crosses it
    when it arrives.
    """
    rescored = int((interactions.shown_row != interactions.held_row).sum())
    scorings = interactions.decision_s.size + rescored
    radio = radio_energy_j(Radio.named(world.network.radio), _transfers(links, requests))
    return {
        "compute": world.hardware.active_power_w * world.scoring_s * scorings,
        **{f"radio_{state}": energy_j for state, energy_j in radio.items()},
    }


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
