"""What disturbs the links of some devices for a while, and what that adds up to at a time."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.network.latency import Latency
from sim.network.message import Direction, Message

_FOREVER_S = 1e10
"""Changes from here on, after 300 years, are never lived through; below, a time in s is exact to 2
microseconds, so that it can be counted in ms."""

LEAST_FACTOR = 1e-6
"""What degradations leave of the bandwidth at least: with less, transfers would not end."""


@dataclass(frozen=True, eq=False)
class Disturbance:
    """From `start_s` on, and no longer at `end_s`, links are worse than they would be.

    Attributes:
        start_s, end_s: in simulated time; `end_s` may be infinite.
        devices: bool, shape [devices]; whose links; None for all.
        bandwidth_factor: factor of the bandwidth, at least 0; 0 is no coverage.
        extra_latency_s: added to each message's one-way latency.
    """

    start_s: float
    end_s: float
    devices: NDArray[np.bool_] | None = None
    bandwidth_factor: float = 1.0
    extra_latency_s: float = 0.0


@dataclass(frozen=True)
class Steps:
    """What disturbances add up to for a device, a step for each stretch of time without a change.

    Attributes:
        start_s: when each step begins, ascending; the first begins before everything.
        factor: product of the bandwidth factors of all disturbances that last; where it is not 0,
            at least `LEAST_FACTOR`.
        extra_latency_s: sum of their latencies.
    """

    start_s: tuple[float, ...] = (-math.inf,)
    factor: tuple[float, ...] = (1.0,)
    extra_latency_s: tuple[float, ...] = (0.0,)

    def at(self, time_s: float) -> int:
        """Return the position of the step that holds at a time."""
        return bisect_right(self.start_s, time_s) - 1

    @classmethod
    def of(cls, disturbances: Sequence[Disturbance]) -> "Steps":
        """Add disturbances of one device up: factors multiply, latencies add.

        What would end after 300 years of simulated time, or later, never ends.
        """
        changes = {each.start_s for each in disturbances} | {each.end_s for each in disturbances}
        lived = (change_s for change_s in changes if abs(change_s) < _FOREVER_S)
        start_s = (-math.inf, *sorted(lived))
        lasting = [
            [each for each in disturbances if each.start_s <= begin_s < each.end_s]
            for begin_s in start_s
        ]
        return cls(
            start_s,
            tuple(_left([each.bandwidth_factor for each in some]) for some in lasting),
            tuple(math.fsum(each.extra_latency_s for each in some) for some in lasting),
        )


def _left(factors: Sequence[float]) -> float:
    """Return what several factors leave together."""
    return max(math.prod(factors), LEAST_FACTOR) if all(factors) else 0.0


class Disturbances:
    """The disturbances of a fleet, added up.

    Devices that are hit by the same ones share their steps, so that many devices take little room.

    Args:
        disturbances: in any order; they may overlap.
        devices: number of devices.
    """

    def __init__(self, disturbances: Sequence[Disturbance], devices: int) -> None:
        self._any = bool(disturbances)
        hit = np.ones((len(disturbances), devices), np.bool_)
        for row, each in zip(hit, disturbances, strict=True):
            if each.devices is not None:
                row[:] = each.devices
        patterns, group = np.unique(hit, axis=1, return_inverse=True)
        self._group = group.reshape(-1).tolist()
        self._steps = [
            Steps.of([disturbances[i] for i in np.flatnonzero(pattern).tolist()])
            for pattern in patterns.T
        ]

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return self._any

    def steps(self, device: int) -> Steps:
        """Return everything that disturbs a device, over time."""
        return self._steps[self._group[device]] if self._any else Steps()

    def bandwidth_factor(self, device: int, time_s: float) -> float:
        """Return the factor of a device's bandwidth at a time; 0 is no coverage."""
        steps = self.steps(device)
        return steps.factor[steps.at(time_s)]

    def extra_latency_s(self, device: int, time_s: float) -> float:
        """Return what is added to the one-way latency of what the device sends or is sent then."""
        steps = self.steps(device)
        return steps.extra_latency_s[steps.at(time_s)]


@dataclass(frozen=True)
class DisturbedLatency:
    """A latency, and what disturbances add to it at the time of sending.

    Attributes:
        undisturbed: the latency without them.
        disturbances: of the fleet.
    """

    undisturbed: Latency
    disturbances: Disturbances

    def one_way_s(self, direction: Direction, message: Message, time_s: float) -> float:
        """Return the latency of a message sent at `time_s`."""
        extra_s = self.disturbances.extra_latency_s(message.device, time_s)
        return self.undisturbed.one_way_s(direction, message, time_s) + extra_s
