"""Energy of the phones' radios, from the transfers that crossed."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.network.message import Direction
from sim.network.transfers import NO_RADIO, Transfers
from sim.radio.radio import Radio

BITS_PER_MEGABIT = 1e6

STATES = ("promotion", "transfer", "tail")
"""What a radio spends energy on."""


def radio_energy_j(
    radios: Sequence[Radio], transfers: Transfers, horizon_s: float = math.inf
) -> dict[str, float]:
    """Return what the transfers cost by the end, by state: `promotion`, `transfer` and `tail`."""
    return of_all_radios_j(energy_by_radio_j(radios, transfers, horizon_s))


def of_all_radios_j(by_radio_j: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the energy of all radios by state, from that of each."""
    energy_j = dict.fromkeys(STATES, 0.0)
    for own_j in by_radio_j:
        for state in energy_j:
            energy_j[state] += own_j[state]
    return energy_j


def energy_by_radio_j(
    radios: Sequence[Radio], transfers: Transfers, horizon_s: float = math.inf
) -> tuple[dict[str, float], ...]:
    """Return what the transfers cost each radio, by state: `promotion`, `transfer` and `tail`.

    A transfer that needs the radio inside another's tail needs no promotion and cuts that tail
    short. With power = alpha x Mbit/s + beta (Huang et al. 2012, section 5), the energy of a
    transfer is alpha x Mbit + beta x duration; while several overlap, as a reply does a push of
    parameters, beta is paid once.

    All of it is cut at the end of the simulation: what needs the radio after that costs nothing,
    and a promotion, a transfer or a tail that the end falls into costs its power x the time of it
    that had passed. Of the bytes of such a transfer those count that had crossed, in proportion to
    that time: alpha x Mbit x passed time / duration.

    Args:
        radios: those that a device can be on; `transfers.radio` counts them.
        transfers: of many devices, in any order; those without a radio cost nothing.
        horizon_s: end of the simulation; infinite to count everything to its own end.
    """
    spent_j = tuple(dict.fromkeys(STATES, 0.0) for _ in radios)
    for block in transfers.blocks():
        add_energy_j(spent_j, radios, block, horizon_s)
    return spent_j


def add_energy_j(
    spent_j: Sequence[dict[str, float]],
    radios: Sequence[Radio],
    block: Transfers,
    horizon_s: float,
) -> None:
    """Add what a block of transfers cost each radio to `spent_j`, by radio, then by state.

    Arguments as of `energy_by_radio_j`; all transfers of a device must be in one block.
    """
    order = _by_time(block, horizon_s)
    device, radio, wake_s = block.device[order], block.radio[order], block.wake_s[order]
    start_s = np.minimum(block.start_s[order], horizon_s)
    end_s = np.minimum(block.end_s[order], horizon_s)
    same_device = device[1:] == device[:-1]
    busy_until_s = _busy_until_s(device, end_s)
    pause_s = horizon_s - busy_until_s
    until_next_s = np.maximum(wake_s[1:] - busy_until_s[:-1], 0.0)
    np.copyto(pause_s[:-1], until_next_s, where=same_device)
    begin_s = start_s.copy()
    np.maximum(start_s[1:], busy_until_s[:-1], out=begin_s[1:], where=same_device)
    active_s = np.maximum(busy_until_s - begin_s, 0.0)
    promoted = np.ones(len(device), np.bool_)
    tail_s = np.array([each.tail_s for each in radios])
    promoted[1:] = ~same_device | (pause_s[:-1] > tail_s[radio[:-1]]) | (radio[1:] != radio[:-1])
    crossed = _crossed_share(block.start_s[order], block.end_s[order], horizon_s)
    megabits = 8 * block.wire_bytes[order] * crossed / BITS_PER_MEGABIT
    up = block.direction[order] == Direction.UP
    for position, (each, own_j) in enumerate(zip(radios, spent_j, strict=True)):
        own = radio == position
        promotion_s = np.minimum(each.promotion_s, horizon_s - wake_s[promoted & own])
        own_j["promotion"] += each.promotion_w * float(promotion_s.sum())
        own_j["transfer"] += (
            each.alpha_up_w_per_mbps * float(megabits[own & up].sum())
            + each.alpha_down_w_per_mbps * float(megabits[own & ~up].sum())
            + each.beta_w * float(active_s[own].sum())
        )
        own_j["tail"] += float(each.tail_j(pause_s[own]).sum())


def _by_time(block: Transfers, horizon_s: float) -> "NDArray[np.intp] | slice":
    """Return which transfers need a radio by the end, in the order in which devices need it."""
    powered = (block.wake_s <= horizon_s) & (block.radio != NO_RADIO)
    names = ("device", "wake_s", "start_s", "end_s", "direction", "wire_bytes")
    rows = None if powered.all() else np.flatnonzero(powered)
    keys = [vars(block)[name] if rows is None else vars(block)[name][rows] for name in names]
    if _in_order(keys):
        return slice(None) if rows is None else rows
    by_time = np.lexsort(keys[::-1])
    return by_time if rows is None else rows[by_time]


def _in_order(keys: Sequence[NDArray[Any]]) -> bool:
    """Tell whether rows ascend by their first key, equal ones by their second, and so on."""
    tied = np.ones(max(0, len(keys[0]) - 1), np.bool_)
    for key in keys:
        earlier, later = key[:-1], key[1:]
        if (tied & (later < earlier)).any():
            return False
        tied &= later == earlier
        if not tied.any():
            return True
    return True


def _crossed_share(
    start_s: NDArray[np.float64], end_s: NDArray[np.float64], horizon_s: float
) -> NDArray[np.float64]:
    """Return which share of each transfer's bytes had crossed by the end of the simulation."""
    # What crosses in no time has crossed or not.
    share = (end_s <= horizon_s).astype(np.float64)
    under_way = (start_s < horizon_s) & (horizon_s < end_s)
    begun_s = start_s[under_way]
    share[under_way] = (horizon_s - begun_s) / (end_s[under_way] - begun_s)
    return share


def _busy_until_s(device: NDArray[np.integer], end_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the latest end of each transfer and those before it, of devices in ascending order."""
    if not ((end_s[1:] < end_s[:-1]) & (device[1:] == device[:-1])).any():
        return end_s
    by_end = np.argsort(end_s, kind="stable")
    place = np.empty(len(end_s), np.int64)
    place[by_end] = np.arange(len(end_s))
    # The places of a later device all lie above those of an earlier one, so no maximum crosses.
    latest = np.maximum.accumulate(device.astype(np.int64) * len(end_s) + place)
    return np.asarray(end_s[by_end][latest % max(1, len(end_s))])
