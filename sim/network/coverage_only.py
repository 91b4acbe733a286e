"""Conditions of links whose medium knows itself how fast it is, and pauses without coverage."""

import math
from dataclasses import dataclass

from sim.network.conditions import Stretch
from sim.network.disturbances import Disturbances
from sim.network.loss import LossSettings


@dataclass(frozen=True)
class CoverageOnly:
    """When devices have coverage; nothing else changes.

    Attributes:
        disturbances: what takes coverage away.
        undisturbed_loss: how packets are lost, always.
    """

    disturbances: Disturbances
    undisturbed_loss: LossSettings

    def covered_stretch(self, device: int, time_s: float) -> Stretch | None:
        """Return the first stretch with coverage that ends after `time_s`, if there is one."""
        steps = self.disturbances.steps(device)
        first = steps.at(time_s)
        while steps.factor[first] == 0:
            first += 1
            if first == len(steps.factor):
                return None
        last = first
        while first > 0 and steps.factor[first - 1] > 0:
            first -= 1
        while last + 1 < len(steps.factor) and steps.factor[last + 1] > 0:
            last += 1
        end_s = steps.start_s[last + 1] if last + 1 < len(steps.factor) else math.inf
        return Stretch(steps.start_s[first], end_s)

    def loss(self, device: int, time_s: float) -> LossSettings:
        """Return how packets are lost."""
        del device, time_s
        return self.undisturbed_loss
