"""Which worlds the compiled loop knows."""

from sim.client.settings import ServingSettings
from sim.cloud.autoscaling.none import NoAutoscaling
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.service_time import ServiceTime, TokenServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.faults.settings import FaultSettings
from sim.network.network import Network
from sim.network.preset import PresetNetwork
from sim.world import World

COMPILED_FROM = 20_000
"""Interactions from which on it is worth while to load compiled code."""


def knows(world: World) -> bool:
    """Tell whether the compiled loop knows everything that there is in a world."""
    return (
        world.adaptation is None
        and not world.policies.read_link
        and not world.policies.read_times
        and knows_settings(world.serving, world.network, world.hardware, world.cloud, world.faults)
    )


def knows_settings(
    serving: ServingSettings,
    network: Network,
    devices: DeviceSettings,
    cloud: CloudSettings,
    faults: FaultSettings,
) -> bool:
    """Tell whether the compiled loop knows everything that settings ask for, whatever the policy.

    Links of constant speed on which nothing is lost, phones that run out of nothing, one queue with
    static batches, and nothing that fails or is sent again.
    """
    return (
        type(network) is PresetNetwork
        and not network.loss.probability
        and faults == FaultSettings(regions=faults.regions)
        and serving.retry.attempts == 1
        and serving.retry.attempt_timeout_s is None
        and serving.circuit_breaker.failures is None
        and devices.battery is None
        and devices.budget_covers == "training"
        and devices.availability is None
        and _knows_cloud(cloud)
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
        and type(service_time).timer in (ServiceTime.timer, TokenServiceTime.timer)
        and not tokens_vary
    )
