"""Regimes: a device is on one network, then on another or on none, and its link with it."""

import heapq
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim.network.conditions import Stretch
from sim.network.disturbances import Disturbances, Steps
from sim.network.latency import Latency
from sim.network.loss import LossSettings
from sim.network.transfers import NO_RADIO

NO_COVERAGE = "none"
"""Name of the regime that is always there: no network."""


@dataclass(frozen=True, eq=False)
class Regime:
    """What links are like while a device is in one regime.

    Attributes:
        name: of the regime.
        bps: up and down; float64, shape [devices] each.
        latency: without disturbances.
        loss: of packets.
        radio: name of the radio.
    """

    name: str
    bps: tuple[NDArray[np.float64], ...]
    latency: Latency
    loss: LossSettings
    radio: str


class RegimeChanges(Protocol):
    """When which device gets into which regime."""

    def of(self, device: int) -> Iterator[tuple[float, int]]:
        """Yield times, ascending from minus infinity, and positions of regimes, perhaps endlessly.

        The position after the last regime's is that of no coverage.
        """
        ...


class OneRegime:
    """A fleet that stays in its first regime."""

    def of(self, device: int) -> Iterator[tuple[float, int]]:
        """Yield the one regime."""
        del device
        yield -math.inf, 0


class Regimes:
    """The stretches of all devices' links, each device's made as far as it is looked at.

    Args:
        regimes: those that have coverage.
        changes: from one to another.
        disturbances: of the fleet.
    """

    def __init__(
        self, regimes: Sequence[Regime], changes: RegimeChanges, disturbances: Disturbances
    ) -> None:
        self.regimes = tuple(regimes)
        self.radios = tuple(dict.fromkeys(regime.radio for regime in regimes))
        self._radio = [self.radios.index(regime.radio) for regime in regimes]
        self._changes = changes
        self._disturbances = disturbances
        self._stretches: dict[int, _Stretches] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the regimes; the last is `NO_COVERAGE`."""
        return (*(regime.name for regime in self.regimes), NO_COVERAGE)

    def stretch(self, device: int, time_s: float) -> Stretch:
        """Return what a device's link is like at a time, with or without coverage."""
        return self._of(device).at(time_s)

    def covered_stretch(self, device: int, time_s: float) -> Stretch | None:
        """Return the first stretch with coverage that ends after a time; None: there is none."""
        stretches = self._of(device)
        stretch = stretches.at(time_s)
        while not stretch.covered:
            if stretch.end_s == math.inf:
                return None
            stretch = stretches.at(stretch.end_s)
        return stretch

    def loss(self, device: int, time_s: float) -> LossSettings:
        """Return how packets are lost that cross from a time on at which there is coverage."""
        return self.regimes[self.stretch(device, time_s).regime].loss

    def devices_in(self, times_s: NDArray[np.float64], devices: int) -> NDArray[np.int64]:
        """Return how many devices are in which regime: int64, shape [times, regimes + 1].

        Devices that a disturbance leaves without coverage count as being in no regime.
        """
        counts = np.zeros((len(times_s), len(self.names)), np.int64)
        row = np.arange(len(times_s))
        for device in range(devices):
            counts[row, self._of(device).regimes_at(times_s)] += 1
        return counts

    def _of(self, device: int) -> "_Stretches":
        if device not in self._stretches:
            self._stretches[device] = _Stretches(self._made(device))
        return self._stretches[device]

    def _made(self, device: int) -> Iterator[Stretch]:
        """Yield a device's stretches: regimes cut where disturbances change."""
        steps = self._disturbances.steps(device)
        events: Iterator[tuple[float, bool, int]] = heapq.merge(
            ((start_s, False, regime) for start_s, regime in self._changes.of(device)),
            ((start_s, True, step) for step, start_s in enumerate(steps.start_s)),
        )
        since_s, regime, step = -math.inf, 0, 0
        for start_s, is_step, position in events:
            if start_s > since_s:
                yield self._stretch(since_s, start_s, regime, steps, step)
                since_s = start_s
            if is_step:
                step = position
                if step == len(steps.start_s) - 1 and not steps.factor[step]:
                    break  # no change of regime brings coverage back
            else:
                regime = position
        yield self._stretch(since_s, math.inf, regime, steps, step)

    def _stretch(
        self, start_s: float, end_s: float, regime: int, steps: Steps, step: int
    ) -> Stretch:
        extra_latency_s = steps.extra_latency_s[step]
        if regime == len(self.regimes):
            return Stretch(start_s, end_s, NO_RADIO, regime, 0.0, extra_latency_s)
        factor = steps.factor[step]
        return Stretch(start_s, end_s, self._radio[regime], regime, factor, extra_latency_s)


class _Stretches:
    """One device's stretches, as far as somebody has looked."""

    def __init__(self, coming: Iterator[Stretch]) -> None:
        self._coming = coming
        self._start_s: list[float] = []
        self._known: list[Stretch] = []

    def at(self, time_s: float) -> Stretch:
        """Return the stretch that holds at a time."""
        while not self._known or self._known[-1].end_s <= time_s:
            stretch = next(self._coming)
            self._known.append(stretch)
            self._start_s.append(stretch.start_s)
        return self._known[bisect_right(self._start_s, time_s) - 1]

    def regimes_at(self, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the positions of the regimes that hold at times; -1 where there is no coverage."""
        self.at(float(times_s.max(initial=-math.inf)))
        regime = np.array([each.regime if each.covered else -1 for each in self._known])
        return np.asarray(regime[np.searchsorted(self._start_s, times_s, side="right") - 1])
