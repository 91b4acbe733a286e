"""What changes on a device's link as time goes by: coverage, radio, loss."""

import math
from typing import NamedTuple, Protocol

from sim.network.loss import LossSettings


class Stretch(NamedTuple):
    """A time in which nothing changes on a device's link.

    Attributes:
        start_s, end_s: from when on, and until when; infinite where it never begins or ends.
        radio: position of the radio among those of the network.
        regime: position of the regime among those of the network.
        bandwidth_factor: what disturbances leave of the bandwidth; 0 is no coverage.
        extra_latency_s: what disturbances add to the one-way latency.
    """

    start_s: float
    end_s: float
    radio: int = 0
    regime: int = 0
    bandwidth_factor: float = 1.0
    extra_latency_s: float = 0.0

    @property
    def covered(self) -> bool:
        """Whether the device has a network."""
        return self.bandwidth_factor > 0


ALWAYS = Stretch(-math.inf, math.inf)
"""The one stretch of links on which nothing changes."""


class Conditions(Protocol):
    """What a fleet's links are like, over time."""

    def covered_stretch(self, device: int, time_s: float) -> Stretch | None:
        """Return the first stretch with coverage that ends after `time_s`.

        None: there is no coverage then, and it never comes back.
        """
        ...

    def loss(self, device: int, time_s: float) -> LossSettings:
        """Return how packets are lost that cross from a time on at which there is coverage."""
        ...
