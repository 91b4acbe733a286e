"""What autoscaling is, and what it knows of the cloud."""

import math
from dataclasses import dataclass

from workloads.settings import Settings


@dataclass(frozen=True, slots=True)
class ScalingView:
    """What is known at the moment of a decision.

    Attributes:
        available: replicas that serve or start up.
        switched_on: those, those that finish their work before they stop, and those that are down
            and will be repaired.
        waiting: attempts in all queues.
        busy_s: time that replicas worked since the last decision, summed over them.
        serving_s: time that they could have worked.
        unchanged_s: time since the last change; infinite before the first.
        down: those of `switched_on` that are down.
    """

    available: int
    switched_on: int
    waiting: int
    busy_s: float
    serving_s: float
    unchanged_s: float = math.inf
    down: int = 0

    @property
    def queue_per_replica(self) -> float:
        """Attempts that wait, for each replica that serves or starts up."""
        if not self.available:
            return math.inf if self.waiting else 0.0
        return self.waiting / self.available

    @property
    def utilisation(self) -> float:
        """Share of the time since the last decision in which the serving replicas worked.

        Where none could serve, it is 1 if somebody waits, else 0.
        """
        if self.serving_s <= 0:
            return float(self.waiting > 0)
        return self.busy_s / self.serving_s


class Autoscaling(Settings):
    """Decides how many replicas are switched on. A subclass gives a `kind`."""

    @property
    def period_s(self) -> float:
        """Time between two decisions; infinite where there are none."""
        return math.inf

    @property
    def start_up_time_s(self) -> float:
        """Time from switching a replica on until it serves; it is paid for meanwhile."""
        return 0.0

    def first(self, replicas: int) -> int:
        """Return how many of `cloud.replicas` replicas serve at the start."""
        return replicas

    def most(self, replicas: int) -> int:
        """Return how many replicas there can be at any time, with `cloud.replicas` of them."""
        return replicas

    def change(self, view: ScalingView) -> int:  # noqa: ARG002
        """Return how many replicas to switch on (positive) or to stop (negative)."""
        return 0
