"""Which worlds the compiled loop knows."""

from sim.cloud.autoscaling.none import NoAutoscaling
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.random import RandomServiceTime
from sim.cloud.service_time.service_time import TokenServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.reserves import Reserves
from sim.faults.settings import FaultSettings
from sim.network.latency import ConstantLatency
from sim.network.links import Links
from sim.network.preset import ConstantSpeed
from sim.world import World


def knows(world: World, links: Links) -> bool:
    """Tell whether the compiled loop knows everything that there is in a world."""
    return (
        world.adaptation is None
        and world.faults == FaultSettings(regions=world.faults.regions)
        and _knows_devices(world)
        and _knows_links(links)
        and _knows_cloud(world.cloud)
    )


def _knows_devices(world: World) -> bool:
    serving = world.serving
    return (
        world.availability is None
        and not Reserves.matter_in(world)
        and not world.policies.read_link
        and not world.policies.read_times
        and serving.retry.attempts == 1
        and serving.retry.attempt_timeout_s is None
        and serving.circuit_breaker.failures is None
    )


def _knows_links(links: Links) -> bool:
    return (
        isinstance(links.medium, ConstantSpeed)
        and isinstance(links.latency, ConstantLatency)
        and links.conditions is None
        and not links.loss.probability
    )


def _knows_cloud(cloud: CloudSettings) -> bool:
    service_time = cloud.service_time
    tokens_vary = isinstance(service_time, TokenServiceTime) and service_time.tokens.vary
    return (
        isinstance(cloud.batching, StaticBatching)
        and isinstance(cloud.autoscaling, NoAutoscaling)
        and cloud.routing.one_queue
        and cloud.order == "arrival"
        and not cloud.drop_expired
        and not isinstance(service_time, RandomServiceTime)
        and not tokens_vary
    )
