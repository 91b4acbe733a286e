"""Energy of the phones' radios, from the transfers that crossed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.network.message import Direction
from sim.network.transfers import NO_RADIO, Transfers
from sim.radio.radio import Radio

BITS_PER_MEGABIT = 1e6


def powered(transfers: Transfers, horizon_s: float) -> Transfers:
    """Return the transfers that needed a radio by the end of the simulation."""
    return transfers.where((transfers.wake_s <= horizon_s) & (transfers.radio != NO_RADIO))


def radio_energy_j(radios: Sequence[Radio], transfers: Transfers) -> dict[str, float]:
    """Return what the transfers cost, by state: `promotion`, `transfer` and `tail`."""
    energy_j = dict.fromkeys(("promotion", "transfer", "tail"), 0.0)
    for own_j in energy_by_radio_j(radios, transfers):
        for state in energy_j:
            energy_j[state] += own_j[state]
    return energy_j


def energy_by_radio_j(
    radios: Sequence[Radio], transfers: Transfers
) -> tuple[dict[str, float], ...]:
    """Return what the transfers cost each radio, by state: `promotion`, `transfer` and `tail`.

    A transfer that needs the radio inside another's tail needs no promotion and cuts that tail
    short. With power = alpha x Mbit/s + beta (Huang et al. 2012, section 5), the energy of a
    transfer is alpha x Mbit + beta x duration; while several overlap, as a reply does a push of
    parameters, beta is paid once.

    Args:
        radios: those that a device can be on; `transfers.radio` counts them.
        transfers: of many devices, in any order.
    """
    order = np.lexsort(
        (
            transfers.wire_bytes,
            transfers.direction,
            transfers.end_s,
            transfers.start_s,
            transfers.wake_s,
            transfers.device,
        )
    )
    device, radio = transfers.device[order], transfers.radio[order]
    wake_s, start_s = transfers.wake_s[order], transfers.start_s[order]
    same_device = device[1:] == device[:-1]
    busy_until_s = _busy_until_s(device, transfers.end_s[order])
    pause_s = np.full(len(order), np.inf)
    pause_s[:-1][same_device] = np.maximum(wake_s[1:] - busy_until_s[:-1], 0.0)[same_device]
    begin_s = start_s.copy()
    begin_s[1:][same_device] = np.maximum(start_s[1:], busy_until_s[:-1])[same_device]
    active_s = np.maximum(busy_until_s - begin_s, 0.0)
    promoted = np.ones(len(order), np.bool_)
    tail_s = np.array([each.tail_s for each in radios])
    promoted[1:] = ~same_device | (pause_s[:-1] > tail_s[radio[:-1]]) | (radio[1:] != radio[:-1])
    megabits = 8 * transfers.wire_bytes[order] / BITS_PER_MEGABIT
    up = transfers.direction[order] == Direction.UP
    energy_j = []
    for position, each in enumerate(radios):
        own = radio == position
        promotions = int((promoted & own).sum())
        energy_j.append(
            {
                "promotion": promotions * each.promotion_s * each.promotion_w,
                "transfer": each.alpha_up_w_per_mbps * float(megabits[own & up].sum())
                + each.alpha_down_w_per_mbps * float(megabits[own & ~up].sum())
                + each.beta_w * float(active_s[own].sum()),
                "tail": float(each.tail_j(pause_s[own]).sum()),
            }
        )
    return tuple(energy_j)


def _busy_until_s(device: NDArray[np.integer], end_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the latest end of each transfer and those before it, of devices in ascending order."""
    by_end = np.argsort(end_s, kind="stable")
    place = np.empty(len(end_s), np.int64)
    place[by_end] = np.arange(len(end_s))
    # The places of a later device all lie above those of an earlier one, so no maximum crosses.
    latest = np.maximum.accumulate(device.astype(np.int64) * len(end_s) + place)
    return np.asarray(end_s[by_end][latest % max(1, len(end_s))])
