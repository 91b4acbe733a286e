"""The settings of the cloud."""

import math
from typing import ClassVar, Self

from pydantic import Field, FiniteFloat, model_validator

from sim.cloud.autoscaling import AnyAutoscaling
from sim.cloud.autoscaling.none import NoAutoscaling
from sim.cloud.batching import AnyBatching
from sim.cloud.batching.static import StaticBatching
from sim.cloud.power import PowerSettings
from sim.cloud.prefix_cache import PrefixCacheSettings
from sim.cloud.queue import Order
from sim.cloud.routing import AnyRouting
from sim.cloud.routing.shared import Shared
from sim.cloud.service_time import AnyServiceTime
from sim.cloud.service_time.roofline import RooflineServiceTime
from workloads.settings import Settings, invalid


class CloudSettings(Settings):
    """Replicas of the LLM behind bounded queues."""

    replicas: int = Field(default=1, ge=1)
    """Number of replicas; with autoscaling, at the start."""
    devices_per_replica: FiniteFloat | None = Field(default=None, ge=0.001)
    """Instead of `replicas`: one replica for so many devices, rounded up, so that the load on each
    stays the same when the fleet grows."""
    queue_limit: int = Field(default=1000, ge=1)
    """Waiting requests in each queue; one more is rejected."""
    order: Order = "arrival"
    """Who is served next. `arrival`: first come, first served. `oldest_list`: who holds the oldest
    list; those with equally old ones in the order of arrival."""
    drop_expired: bool = False
    """Leave out requests whose devices have given up, when they would be served. Until then they
    take up places in the queue."""
    batching: AnyBatching = StaticBatching()
    """How a replica combines requests; without a `kind`, `static`."""
    service_time: AnyServiceTime = RooflineServiceTime()
    """Service time of a batch."""
    routing: AnyRouting = Shared()
    """Which replica's queue an attempt joins: a name, or a mapping with a `kind`."""
    autoscaling: AnyAutoscaling = NoAutoscaling()
    """How many replicas are switched on, and when that changes."""
    power: PowerSettings = PowerSettings()
    """Power of a replica."""
    prefix_cache: PrefixCacheSettings = PrefixCacheSettings()
    """What replicas keep of the prompts that they have read."""
    price_usd_per_accelerator_hour: FiniteFloat = Field(default=2.0, ge=0)
    """Price of one replica's accelerator, counted from switching it on to switching it off. An
    assumption: set your own."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("replicas", "devices_per_replica"),)

    @model_validator(mode="after")
    def _parts_go_together(self) -> Self:
        self.prefix_cache.check(self.service_time)
        self.batching.check(self.service_time, self.prefix_cache.memory_bytes)
        most = self.autoscaling.most(self.replicas)
        if self.devices_per_replica is None and self.replicas > most:
            raise invalid(
                f"is {self.replicas}; must be at most autoscaling.maximum, {most}", "replicas"
            )
        return self

    def replicas_for(self, devices: int) -> int:
        """Return the number of replicas for `devices` devices, before any autoscaling."""
        if self.devices_per_replica is not None:
            return max(1, math.ceil(devices / self.devices_per_replica))
        return self.replicas

    def most_replicas(self, devices: int) -> int:
        """Return how many replicas there can be at any time."""
        return self.autoscaling.most(self.replicas_for(devices))

    @property
    def busy_w(self) -> float | None:
        """Power of a replica at work; None where neither settings nor service times tell it."""
        if self.power.busy_w is not None:
            return self.power.busy_w
        return self.service_time.board_power_w

    def idle_w(self, busy_w: float) -> float:
        """Return the power of a replica that is switched on and does not work."""
        return self.power.idle_share * busy_w
