"""What a sweep will take, from the sizes of its points alone: no data and no models are read."""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import simpy

from experiment.scenario import Scenario
from experiment.shared_inputs import worlds_of
from sim.compiled import scope

POINT_S = 1.8
"""Of one point, whatever its size: reading what is shared, statistics, figures and page."""
INTERACTION_S = 2e-6
"""Of one interaction of a point, in its world and in its records."""
REQUEST_S = 60e-6
"""Of one request, in a world that is simulated event by event."""
COMPILED_REQUEST_S = 5e-6
"""Of one request, in a world that goes through compiled code."""
PROBE_S = 0.0122
"""Of `_probe_s`, where these were measured: points of `mobile_3g`, one processor."""
START_BYTES = 650e6
"""Of a process with all libraries."""
INTERACTION_BYTES = 500.0
"""Of one interaction of a point: its worlds, records and statistics."""
REQUESTED_SHARE = 0.5
"""Of interactions: a policy's own share is not known before it runs, and lies from 0 to 1."""
CALIBRATION_WORLDS = 20
"""Simulations of at most so many devices that find a wanted frequency, of both halves of users."""
CALIBRATION_DEVICES = 2000
PROBE_EVENTS = 20_000


@dataclass(frozen=True)
class SweepEstimate:
    """What the points of a sweep take.

    Attributes:
        point_s: of each point, s, on one processor of this machine.
        worlds_s: of all worlds that points are compared with, s, likewise.
        memory_bytes: of the largest point's process.
    """

    point_s: tuple[float, ...]
    worlds_s: float
    memory_bytes: float

    def wall_s(self, jobs: int) -> float:
        """Return how long all takes on so many processes, each with a processor of its own."""
        return max((sum(self.point_s) + self.worlds_s) / jobs, max(self.point_s, default=0.0))


def estimated(scenarios: Sequence[Scenario]) -> SweepEstimate | None:
    """Estimate points of these scenarios; None where data would have to be read for their sizes."""
    if any(scenario.workload.devices == "all" for scenario in scenarios):
        return None
    speed = _probe_s() / PROBE_S
    worlds_s = {
        path: speed * _interactions(scenario) * (_request_s(scenario) if name != "never" else 0.0)
        for scenario in scenarios
        for name, path in worlds_of(scenario, Path()).items()
    }
    return SweepEstimate(
        tuple(speed * _point_s(scenario) for scenario in scenarios),
        sum(worlds_s.values()),
        START_BYTES + INTERACTION_BYTES * max(map(_interactions, scenarios), default=0),
    )


def _interactions(scenario: Scenario) -> int:
    workload = scenario.workload
    assert workload.devices != "all"
    return workload.devices * workload.replay_steps


def _point_s(scenario: Scenario) -> float:
    interactions = _interactions(scenario)
    requests = REQUESTED_SHARE * interactions
    if _is_calibrated(scenario.policy.model_dump()):
        devices = min(interactions, CALIBRATION_DEVICES * scenario.workload.replay_steps)
        requests += CALIBRATION_WORLDS * REQUESTED_SHARE * devices
    return POINT_S + INTERACTION_S * interactions + _request_s(scenario) * requests


def _request_s(scenario: Scenario) -> float:
    """Return the time of one request; that some policies need events is left out."""
    compiled = (
        scenario.models.adaptation.kind == "none"
        and _interactions(scenario) >= scope.COMPILED_FROM
        and scope.knows_settings(
            scenario.serving, scenario.network, scenario.devices, scenario.cloud, scenario.faults
        )
    )
    return COMPILED_REQUEST_S if compiled else REQUEST_S


def _is_calibrated(policy: dict[str, object]) -> bool:
    inner = policy.get("inner")
    within = isinstance(inner, dict) and _is_calibrated(inner)
    return within or policy.get("target_frequency") is not None


def _probe_s() -> float:
    """Return how long this machine takes for some events of a simulation, s of processor time."""
    began_s = time.process_time()
    environment = simpy.Environment()

    def ticking() -> Generator[simpy.Event, None, None]:
        for _ in range(PROBE_EVENTS):
            yield environment.timeout(1.0)

    environment.process(ticking())
    environment.run()
    return time.process_time() - began_s
