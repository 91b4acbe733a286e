"""Which settings change nothing because of others, and why."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from experiment.scenario import Scenario
from sim.client.settings import CircuitBreakerSettings, RetrySettings, ServingSettings
from sim.cloud.autoscaling.reactive import Reactive
from sim.cloud.batching import Batching
from sim.cloud.batching.static import StaticBatching
from sim.cloud.power import PowerSettings
from sim.cloud.service_time.request_tokens import RequestTokens
from sim.cloud.service_time.service_time import TokenServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.battery import BatterySettings
from sim.device.hardware import Hardware, HardwareClass, known_classes
from sim.device.settings import DeviceSettings
from sim.faults.crashes import RandomCrashes
from sim.faults.settings import FaultSettings
from sim.network.loss import LossSettings
from sim.network.mobility import MobilityNetwork
from sim.network.preset import PresetNetwork
from sim.network.regimes import NO_COVERAGE
from sim.network.steady import SteadyNetwork
from workloads.datasets import SYNTHETIC
from workloads.settings import Settings
from workloads.workload_settings import BurstStart, LognormalThinkTime, WorkloadSettings


@dataclass(frozen=True)
class Rule:
    """Keys of a section that change nothing under a condition.

    Bounds too wide ever to bind are mostly so on purpose, and no rule is about them; but for waits
    that are longer than the whole request.

    Attributes:
        section: the class of the section, wherever in a scenario it stands.
        keys: those that change nothing.
        idle: tells so from the section and its scenario.
        reason: why, as it follows on "as".
    """

    section: type[Settings]
    keys: tuple[str, ...]
    idle: Callable[[Any, Scenario], bool]
    reason: str


def _always_covered(scenario: Scenario) -> bool:
    """Tell whether no device is ever without a network."""
    network = scenario.network
    if not isinstance(network, MobilityNetwork):
        return not scenario.faults.coverage_losses
    schedules = [network.schedule or ()]
    schedules += [each.schedule for each in (network.schedules or {}).values()]
    entered = {change.regime for schedule in schedules for change in schedule}
    entered |= set(network.markov.mean_s if network.markov else ())
    return not scenario.faults.coverage_losses and NO_COVERAGE not in entered


def _can_crash(scenario: Scenario) -> bool:
    """Tell whether a replica can ever crash."""
    faults = scenario.faults
    return bool(faults.crashes) or faults.random_crashes.mean_time_between_s < math.inf


def _has_one_replica(cloud: CloudSettings, scenario: Scenario) -> bool:
    """Tell whether there is never more than one replica; False where that is not yet known."""
    devices = scenario.workload.devices
    if devices == "all":
        return cloud.devices_per_replica is None and cloud.most_replicas(1) == 1
    return cloud.most_replicas(devices) == 1


RULES: tuple[Rule, ...] = (
    Rule(
        WorkloadSettings,
        ("seed", "synthetic"),
        lambda workload, _: workload.dataset != SYNTHETIC,
        "workload.dataset is not synthetic",
    ),
    Rule(
        LognormalThinkTime,
        ("cap_s",),
        lambda think_time, _: think_time.sigma == 0,
        "sigma is 0, so every think time is the median",
    ),
    Rule(
        BurstStart,
        ("spread_s",),
        lambda start, _: start.share == 1,
        "share is 1, so all devices start in the burst",
    ),
    Rule(
        ServingSettings,
        ("deadline_s",),
        lambda serving, _: serving.mode == "stale",
        "serving.mode is stale, and only wait waits",
    ),
    Rule(
        ServingSettings,
        ("deadline_s",),
        lambda serving, _: serving.deadline_s >= serving.timeout_s,
        "it is not below serving.timeout_s, which ends a request",
    ),
    Rule(
        ServingSettings,
        ("no_coverage",),
        lambda _, scenario: _always_covered(scenario),
        "every device has a network all the time",
    ),
    Rule(
        RetrySettings,
        ("attempt_timeout_s",),
        lambda retry, scenario: (
            retry.attempt_timeout_s is None or retry.attempt_timeout_s >= scenario.serving.timeout_s
        ),
        "it is not below serving.timeout_s, which ends a request",
    ),
    Rule(
        RetrySettings,
        ("backoff_s", "backoff_cap_s", "jitter"),
        lambda retry, _: retry.attempts == 1,
        "serving.retry.attempts is 1, so nothing is sent again",
    ),
    Rule(
        RetrySettings,
        ("backoff_cap_s", "jitter"),
        lambda retry, _: retry.backoff_s == 0,
        "serving.retry.backoff_s is 0, so there is no wait",
    ),
    Rule(
        CircuitBreakerSettings,
        ("open_s",),
        lambda breaker, _: breaker.failures is None,
        "serving.circuit_breaker.failures is null, so it never opens",
    ),
    Rule(
        LossSettings,
        ("initial_timeout_s", "largest_timeout_s"),
        lambda loss, _: loss.probability == 0,
        "probability is 0, so no packet is lost",
    ),
    Rule(
        PresetNetwork,
        ("bandwidth_spread",),
        lambda network, _: network.down_bps == network.up_bps == math.inf,
        "the bandwidth is infinite",
    ),
    Rule(
        PresetNetwork,
        ("jitter",),
        lambda network, _: network.rtt_s == 0,
        "rtt_s is 0, of which jitter is a factor",
    ),
    Rule(
        SteadyNetwork,
        ("jitter",),
        lambda network, _: network.rtt_s == 0,
        "network.rtt_s is 0, of which jitter is a factor",
    ),
    Rule(
        Hardware,
        ("battery_j",),
        lambda hardware, scenario: (
            scenario.devices.battery is None
            # A class with a name of its own has to give all figures.
            and not (isinstance(hardware, HardwareClass) and hardware.kind not in known_classes())
        ),
        "batteries run down only where devices.battery is given",
    ),
    Rule(
        DeviceSettings,
        ("budget_covers",),
        lambda devices, _: math.isinf(devices.compute_budget_flops_per_hour),
        "devices.compute_budget_flops_per_hour is .inf",
    ),
    Rule(
        DeviceSettings,
        ("compute_budget_flops_per_hour",),
        lambda devices, scenario: (
            devices.budget_covers == "training" and scenario.models.adaptation.kind != "on_device"
        ),
        "devices.budget_covers is training, and no device trains (models.adaptation)",
    ),
    Rule(
        BatterySettings,
        ("saver_every",),
        lambda battery, _: battery.saver_below == battery.stop_below,
        "no charge is below devices.battery.saver_below and not below stop_below",
    ),
    Rule(
        BatterySettings,
        ("saver_below",),
        lambda battery, _: battery.saver_every == 1,
        "devices.battery.saver_every is 1, which is every step",
    ),
    Rule(
        CloudSettings,
        ("replicas",),
        lambda cloud, _: (
            isinstance(cloud.autoscaling, Reactive) and cloud.replicas < cloud.autoscaling.minimum
        ),
        "it is below cloud.autoscaling.minimum, and so many serve at the start",
    ),
    Rule(
        CloudSettings,
        ("routing",),
        _has_one_replica,
        "there is never more than one replica",
    ),
    Rule(
        Reactive,
        ("every_s", "queue_per_replica", "utilisation", "start_up_s", "cooldown_s"),
        lambda autoscaling, scenario: (
            autoscaling.minimum == autoscaling.maximum and not _can_crash(scenario)
        ),
        "cloud.autoscaling.minimum is maximum, and no replica crashes",
    ),
    Rule(
        StaticBatching,
        ("wait_s",),
        # No wait is what a batch of one has anyway.
        lambda batching, _: batching.size == 1 and batching.wait_s > 0,
        "cloud.batching.size is 1, so every batch is full",
    ),
    Rule(
        Batching,
        ("memory_share",),
        lambda _, scenario: not isinstance(scenario.cloud.service_time, TokenServiceTime),
        "cloud.service_time knows of no memory; roofline and profile do",
    ),
    Rule(
        RequestTokens,
        ("max_prompt_tokens",),
        lambda tokens, _: not tokens.vary,
        "tokens_per_interaction is null, so all prompts have prompt_tokens",
    ),
    Rule(
        PowerSettings,
        ("idle_share",),
        lambda _, scenario: scenario.cloud.busy_w is None,
        "no power is known that it is a share of: give cloud.power.busy_w",
    ),
    Rule(
        FaultSettings,
        ("regions",),
        lambda faults, _: (
            not any(fault.regions for fault in (*faults.degradations, *faults.coverage_losses))
        ),
        "no fault names regions",
    ),
    Rule(
        FaultSettings,
        ("degradations",),
        lambda faults, _: (
            bool(faults.degradations)
            and all(
                fault.bandwidth_factor == 1 and fault.extra_rtt_s == 0
                for fault in faults.degradations
            )
        ),
        "they give neither bandwidth_factor nor extra_rtt_s",
    ),
    Rule(
        RandomCrashes,
        ("mean_down_s", "work"),
        lambda crashes, _: math.isinf(crashes.mean_time_between_s),
        "faults.random_crashes.mean_time_between_s is .inf, so no replica crashes by chance",
    ),
)
"""Every known case; the first that fits a key gives its reason."""
