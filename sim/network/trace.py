"""Networks whose capacity over time was measured: traces of packet opportunities."""

from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from sim.network.disturbances import Disturbances
from sim.network.message import Direction
from sim.network.opportunities import Opportunities, StartedTrace, ThinnedTrace
from sim.network.packet_trace import OPPORTUNITY_BYTES, PacketTrace, find_trace
from sim.network.steady import SteadyNetwork
from workloads import draws
from workloads.content_hash import file_hash


class TraceNetwork(SteadyNetwork):
    """Links that replay recorded packet opportunities, each device from an instant of its own.

    Every device has the trace to itself, as if it had been in the recording phone's place.
    """

    kind: Literal["trace"]
    up: str = Field(json_schema_extra={"format": "file-path"})
    """Trace towards the cloud: a file in the directory that `LSC_TRACES` names, or a path with a
    slash. One line per opportunity of 1500 bytes, its time in ms."""
    down: str = Field(json_schema_extra={"format": "file-path"})
    """Trace towards the device."""

    @field_validator("up", "down")
    @classmethod
    def _can_be_read(cls, name: str) -> str:
        PacketTrace.read(name)
        return name

    def content_hashes(self) -> dict[str, str]:
        """Return what the traces hold."""
        return {key: file_hash(find_trace(getattr(self, key))) for key in ("up", "down")}

    def medium(self, seed: int, devices: int, disturbed: Disturbances) -> "ReplayedTraces":
        """Read the traces and draw where each device is in them at time 0.

        A start is a whole number of ms, uniform over a round of the longer trace; up and down were
        recorded together and start together.
        """
        up, down = PacketTrace.read(self.up), PacketTrace.read(self.down)
        period_ms = max(up.period_ms, down.period_ms)
        start = draws.uniform(seed, "trace start", 0, devices)
        starts_ms = np.floor(start * period_ms).astype(np.int64)
        return ReplayedTraces((up, down), starts_ms.tolist(), disturbed)


class ReplayedTraces:
    """Links that replay traces, with what Mahimahi's link does at an opportunity.

    Up to 1500 bytes cross at an opportunity, all at its instant. They are taken from the device's
    queue, first in first out: several small messages share an opportunity, and what does not fit
    goes on at the next. Bytes that begin at an opportunity's very instant, or after it, come too
    late for it, and what it could have carried is lost. That is what Mahimahi's `LinkQueue` does
    with packets (mm-link(1): accounting is by bytes); a message is its packets in a row, so its
    last byte crosses when its last packet does there.

    All of that is counting: opportunity i carries the bytes 1500 i to 1500 i + 1499 of what the
    link could have carried in all, and a message takes the first that are left. Counts are whole
    numbers, so nothing is rounded but the times that go in and come out, which are ms / 1000.

    Args:
        traces: up and down.
        starts_ms: where each device is in both at time 0.
        disturbances: of the fleet; opportunities are lost to them (`ThinnedTrace`).
    """

    in_order = True

    def __init__(
        self,
        traces: tuple[PacketTrace, PacketTrace],
        starts_ms: list[int],
        disturbances: Disturbances,
    ) -> None:
        self._traces = traces
        self._starts_ms = starts_ms
        self._disturbances = disturbances
        self._opportunities: dict[tuple[Direction, int], Opportunities] = {}
        self._taken_bytes = [[0] * len(starts_ms) for _ in traces]

    def covered(self, device: int, time_s: float) -> bool:
        """Tell that there is a network, if a slow one, where no disturbance takes it away."""
        return self._disturbances.bandwidth_factor(device, time_s) > 0

    def end_s(self, direction: Direction, device: int, start_s: float, wire_bytes: int) -> float:
        """Return the opportunity at which the last byte crosses; infinite if it never does."""
        opportunities = self._of(direction, device)
        taken_bytes = self._taken_bytes[direction]
        passed_bytes = OPPORTUNITY_BYTES * opportunities.count_until(start_s)
        taken_bytes[device] = max(taken_bytes[device], passed_bytes) + wire_bytes
        return opportunities.time_s((taken_bytes[device] - 1) // OPPORTUNITY_BYTES)

    def _of(self, direction: Direction, device: int) -> Opportunities:
        key = direction, device
        if key not in self._opportunities:
            whole = StartedTrace(self._traces[direction], self._starts_ms[device])
            steps = self._disturbances.steps(device)
            disturbed = steps.factor != (1.0,)
            self._opportunities[key] = ThinnedTrace(whole, steps) if disturbed else whole
        return self._opportunities[key]
