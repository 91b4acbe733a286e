"""What changes on a device's link as time goes by: coverage, radio, loss."""

import math
from dataclasses import dataclass
from typing import Protocol

from sim.network.loss import LossSettings


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which a device has coverage without a break, and stays on one radio.

    Attributes:
        start_s, end_s: from when on, and until when; infinite where it never begins or ends.
        radio: position of the radio among those of the network.
    """

    start_s: float
    end_s: float
    radio: int = 0


ALWAYS = Stretch(-math.inf, math.inf)
"""The one stretch of links on which nothing changes."""


class Conditions(Protocol):
    """What a fleet's links are like, over time."""

    def stretch(self, device: int, time_s: float) -> Stretch:
        """Return the first stretch of coverage that ends after `time_s`.

        Its start is infinite where coverage never comes back.
        """
        ...

    def loss(self, device: int, time_s: float) -> LossSettings:
        """Return how packets that have crossed at a time are lost."""
        ...
