"""Replicas come and go after a threshold was crossed, one at a time."""

from typing import ClassVar, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

from workloads.settings import Settings, invalid

from .autoscaling import Autoscaling, ScalingView


class Thresholds(Settings):
    """Above `up` a replica is started, below `down` one is stopped."""

    up: FiniteFloat = Field(gt=0)
    """Start one above this."""
    down: FiniteFloat = Field(ge=0)
    """Stop one below this; 0 never does."""

    @model_validator(mode="after")
    def _down_is_below_up(self) -> Self:
        if self.down >= self.up:
            raise invalid(f"is {self.down:g}; must be below up, {self.up:g}", "down")
        return self


class Reactive(Autoscaling):
    """Looks at the load every `every_s` and starts or stops one replica.

    It starts the lowest number that is off and stops the highest that serves or starts up. A
    stopping replica gets nothing new, finishes its work (its own queue too, where it has one) and
    is off then. A replica is paid for from the moment in which it is switched on.

    While crashes leave fewer than `minimum`, it starts one at each look, whatever the load and the
    cooldown. Where none is off, another machine takes the place of one that is down, unless that
    is repaired before the other one would serve.
    """

    kind: Literal["reactive"] = "reactive"
    minimum: int = Field(default=1, ge=1)
    """Fewest replicas that serve or start up. `cloud.replicas` serve at the start, but no fewer
    than `minimum`; as many as `devices_per_replica` makes, but no more than `maximum`."""
    maximum: int = Field(default=4, ge=1)
    """Most replicas switched on, those included that finish their work. Those that are down and
    will be repaired count as well, except where fewer than `minimum` are left."""
    every_s: FiniteFloat = Field(default=10.0, ge=0.1)
    """Time between two decisions, at least 0.1, as each looks at all replicas; the first is taken
    after the first `every_s`."""
    queue_per_replica: Thresholds = Thresholds(up=8.0, down=1.0)
    """Thresholds for the waiting attempts at the moment of a decision, for each replica that serves
    or starts up."""
    utilisation: Thresholds | None = None
    """Instead of `queue_per_replica`: thresholds for the share of the time since the last decision
    in which serving replicas were busy."""
    start_up_s: FiniteFloat = Field(default=60.0, ge=0)
    """Time from switching a replica on until it serves: a machine, its image, the weights. An
    assumption."""
    cooldown_s: FiniteFloat = Field(default=30.0, ge=0)
    """Time after a change in which nothing else is changed."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("queue_per_replica", "utilisation"),)

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if self.minimum > self.maximum:
            raise invalid(f"is {self.minimum}; must be at most maximum, {self.maximum}", "minimum")
        return self

    @model_validator(mode="after")
    def _utilisation_is_a_share(self) -> Self:
        if self.utilisation is not None and self.utilisation.up >= 1:
            raise invalid(
                f"is {self.utilisation.up:g}; must be below 1, the share of time of a replica that "
                "is always busy",
                "utilisation.up",
            )
        return self

    @property
    def period_s(self) -> float:
        """Time between two decisions."""
        return self.every_s

    @property
    def start_up_time_s(self) -> float:
        """Time from switching a replica on until it serves."""
        return self.start_up_s

    def first(self, replicas: int) -> int:
        """Return `replicas`, kept between the bounds."""
        return min(max(replicas, self.minimum), self.maximum)

    def most(self, replicas: int) -> int:  # noqa: ARG002
        """Return `maximum`."""
        return self.maximum

    def change(self, view: ScalingView) -> int:
        """Return 1, 0 or -1, within the bounds; during the cooldown, 1 to keep `minimum` or 0."""
        if view.available < self.minimum and view.switched_on - view.down < self.maximum:
            return 1
        if view.unchanged_s < self.cooldown_s:
            return 0
        thresholds, load = self.queue_per_replica, view.queue_per_replica
        if self.utilisation is not None:
            thresholds, load = self.utilisation, view.utilisation
        if load > thresholds.up and view.switched_on < self.maximum:
            return 1
        if load < thresholds.down and view.available > self.minimum:
            return -1
        return 0
