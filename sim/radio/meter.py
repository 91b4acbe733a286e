"""What a device's radio has cost so far: what a phone can know of its own energy."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sim.network.links import Links
from sim.network.message import Direction
from sim.network.transfers import NO_RADIO, Crossing
from sim.radio.energy import BITS_PER_MEGABIT
from sim.radio.radio import Radio


class Spent(NamedTuple):
    """What crossings cost, all but the last tail, and when and on which radio that began."""

    energy_j: float
    busy_until_s: float
    radio: Radio

    def with_tail_j(self, time_s: float) -> float:
        """Return the energy together with the last tail up to a time."""
        return self.energy_j + self.radio.tail_of_one_j(time_s - self.busy_until_s)


class RadioMeter:
    """Counts the energy of each device's radio up to a time.

    That is the energy of the transfers that were over before that time, with the tails between them
    and as much of the last tail as had passed. A transfer under way counts when it is over; where
    none is, this is what `radio_energy_j` tells of one device up to that time.

    What the first n crossings of a device cost, in their order, is kept for each n: a crossing that
    is over changes only what follows it, and little does.

    Args:
        radios: those that a device can be on.
    """

    def __init__(self, radios: Sequence[Radio]) -> None:
        self._radios = tuple(radios)
        self._under_way: dict[int, list[Crossing]] = defaultdict(list)
        self._over: dict[int, list[Crossing]] = defaultdict(list)
        self._spent: dict[int, list[Spent]] = defaultdict(list)

    @classmethod
    def of(cls, links: Links) -> "RadioMeter":
        """Return a meter of what crosses links from now on."""
        meter = cls(links.radios.radios)
        links.log.note = meter.note
        return meter

    def note(self, device: int, crossing: Crossing) -> None:
        """Take a transfer down that has begun, will begin, or is over already."""
        if crossing.radio != NO_RADIO:
            self._under_way[device].append(crossing)

    def energy_j(self, device: int, time_s: float) -> float:
        """Return what a device's radio has cost before `time_s`, not before the last call's."""
        so_far = self.spent(device, time_s)
        return so_far.with_tail_j(time_s) if so_far else 0.0

    def spent(self, device: int, time_s: float) -> Spent | None:
        """Return what crossings of a device cost that were over before `time_s`, None without any.

        `time_s` is not before that of the last call.
        """
        under_way, spent_by_then = self._under_way[device], self._spent[device]
        ended = sorted(each for each in under_way if each.end_s < time_s)
        if ended:
            self._under_way[device] = [each for each in under_way if each.end_s >= time_s]
            over = self._over[device]
            kept = bisect_left(over, ended[0])
            over[kept:] = sorted(over[kept:] + ended)
            del spent_by_then[kept:]
            for each in over[kept:]:
                before = spent_by_then[-1] if spent_by_then else None
                spent_by_then.append(_spent_after(self._radios, before, each))
        return spent_by_then[-1] if spent_by_then else None


def spent(radios: Sequence[Radio], crossings: Iterable[Crossing]) -> Spent:
    """Return what crossings of one device cost, in order, as `radio_energy_j` counts them."""
    so_far = None
    for each in crossings:
        so_far = _spent_after(radios, so_far, each)
    if so_far is None:
        raise ValueError("nothing crossed")
    return so_far


def _spent_after(radios: Sequence[Radio], before: Spent | None, crossing: Crossing) -> Spent:
    """Return what crossings cost together with the next one."""
    radio = radios[crossing.radio]
    energy_j, busy_until_s, last = before or (0.0, -math.inf, None)
    pause_s = max(crossing.wake_s - busy_until_s, 0.0)
    if last is not None:
        energy_j += last.tail_of_one_j(pause_s)
    if last is not radio or pause_s > last.tail_s:
        energy_j += radio.promotion_s * radio.promotion_w
    begin_s = max(crossing.start_s, busy_until_s)
    busy_until_s = max(busy_until_s, crossing.end_s)
    up = crossing.direction == Direction.UP
    alpha_w_per_mbps = radio.alpha_up_w_per_mbps if up else radio.alpha_down_w_per_mbps
    energy_j += alpha_w_per_mbps * 8 * crossing.wire_bytes / BITS_PER_MEGABIT
    energy_j += radio.beta_w * max(busy_until_s - begin_s, 0.0)
    return Spent(energy_j, busy_until_s, radio)
