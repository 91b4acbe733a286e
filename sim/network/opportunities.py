"""The packet opportunities of one device: a trace from some start, and what disturbances leave."""

import math
from bisect import bisect_right
from itertools import pairwise
from typing import Protocol

from sim.network.disturbances import Steps
from sim.network.packet_trace import PacketTrace


class Opportunities(Protocol):
    """When packets of a device can cross in a direction; opportunities are counted from 0."""

    def count_until(self, time_s: float) -> int:
        """Return how many there are up to and at that time."""
        ...

    def time_s(self, opportunity: int) -> float:
        """Return when an opportunity is, a whole number of ms / 1000; infinite if it never is."""
        ...


class StartedTrace:
    """All opportunities of a trace that is at `start_ms` at time 0.

    Args:
        trace: the trace.
        start_ms: the time in it, 0 or later.
    """

    def __init__(self, trace: PacketTrace, start_ms: int) -> None:
        self._trace = trace
        self._start_ms = start_ms

    def count_until(self, time_s: float) -> int:
        """Return how many there are up to and at that time."""
        return self.count_until_ms(whole_ms(time_s))

    def count_until_ms(self, time_ms: int) -> int:
        """Return how many there are up to and at that ms of simulated time."""
        return self._trace.count_until(time_ms + self._start_ms)

    def time_s(self, opportunity: int) -> float:
        """Return when an opportunity is."""
        return (self._trace.position_ms(opportunity) - self._start_ms) / 1000


class ThinnedTrace:
    """Opportunities of which disturbances leave a fraction.

    In a step with factor f, the first i opportunities leave floor(f i): without coverage (f = 0)
    all are lost, at f = 1/2 every second is left, at f = 2 each counts twice. Counting is all it
    takes, so a transfer stays exact, and O(log of steps + log of opportunities).

    Args:
        whole: the undisturbed opportunities.
        steps: the device's disturbances.
    """

    def __init__(self, whole: StartedTrace, steps: Steps) -> None:
        self._whole = whole
        self._steps = steps
        before = [whole.count_until_ms(_last_ms_before(start_s)) for start_s in steps.start_s]
        self._before = before
        self._left = [0]
        """How many are left of those before each step."""
        for step, (first, end) in enumerate(pairwise(before)):
            kept = math.floor((end - first) * steps.factor[step])
            self._left.append(self._left[-1] + kept)

    def count_until(self, time_s: float) -> int:
        """Return how many are left up to and at that time."""
        step = self._steps.at(time_s)
        of_step = self._whole.count_until(time_s) - self._before[step]
        return self._left[step] + math.floor(of_step * self._steps.factor[step])

    def time_s(self, opportunity: int) -> float:
        """Return when an opportunity is that is left; infinite where coverage never comes back."""
        step = bisect_right(self._left, opportunity) - 1
        factor = self._steps.factor[step]
        if factor == 0:
            return math.inf
        wanted = opportunity - self._left[step] + 1
        of_step = math.ceil(wanted / factor)
        # The quotient is rounded; what decides is the product, as in `count_until`.
        while math.floor(of_step * factor) < wanted:
            of_step += 1
        while math.floor((of_step - 1) * factor) >= wanted:
            of_step -= 1
        return self._whole.time_s(self._before[step] + of_step - 1)


def whole_ms(time_s: float) -> int:
    """Return the last whole number of ms that, as a time in s, is not after `time_s`.

    `int(1000 * time_s)` may miss it by one: 1000 x 1.001 is below 1001, and 1001 / 1000 is 1.001.
    """
    ms = math.floor(1000 * time_s)
    while (ms + 1) / 1000 <= time_s:
        ms += 1
    while ms / 1000 > time_s:
        ms -= 1
    return ms


def _last_ms_before(time_s: float) -> int:
    """Return the last whole number of ms before a time; of times before the simulation, its own."""
    if time_s <= 0:
        return -1
    ms = whole_ms(time_s)
    return ms if ms / 1000 < time_s else ms - 1
