"""The settings of the cloud."""

import math
from typing import ClassVar

from pydantic import Field, FiniteFloat

from sim.cloud.batching import AnyBatching
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time import AnyServiceTime
from sim.cloud.service_time.roofline import RooflineServiceTime
from workloads.settings import Settings

BatchingSettings = StaticBatching


class CloudSettings(Settings):
    """Replicas of the LLM behind one bounded queue, first come first served."""

    replicas: int = Field(default=1, ge=1)
    """Number of replicas."""
    devices_per_replica: FiniteFloat | None = Field(default=None, ge=0.001)
    """Instead of `replicas`: one replica for so many devices, rounded up, so that the load on each
    stays the same when the fleet grows."""
    queue_limit: int = Field(default=1000, ge=1)
    """Waiting requests; one more is rejected."""
    batching: AnyBatching = StaticBatching()
    """How a replica combines requests; without a `kind`, `static`."""
    service_time: AnyServiceTime = RooflineServiceTime()
    """Service time of a batch."""
    price_usd_per_accelerator_hour: FiniteFloat = Field(default=2.0, ge=0)
    """Price of one replica's accelerator, counted while the simulation runs. An assumption: set
    your own."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("replicas", "devices_per_replica"),)

    def replicas_for(self, devices: int) -> int:
        """Return the number of replicas that serve `devices` devices."""
        if self.devices_per_replica is not None:
            return max(1, math.ceil(devices / self.devices_per_replica))
        return self.replicas
