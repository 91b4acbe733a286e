"""What the compiled loop leaves behind, as the records of `sim.records`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.client.request import NEVER_S, Answer, Outcome
from sim.cloud.load import CloudLoad
from sim.cloud.records import Change, CloudRecords, End
from sim.cloud.service_time.service_time import TokenServiceTime
from sim.compiled.code import compiled_with_arrays
from sim.compiled.columns import Rows, State
from sim.compiled.network import wire_bytes
from sim.network.message import Direction
from sim.network.transfers import DEVICES_PER_BLOCK, Transfers
from sim.records.requests import RequestRecords
from sim.world import World
from workloads import disk_tables

REQUESTS_AT_ONCE = 1 << 18
"""Requests that are in memory together while records are made of them."""


@compiled_with_arrays
def _order_by_device(requests: Rows, devices: int) -> NDArray[np.int32]:
    """Return the order by device, in which those of a device stay as they are: int32."""
    place = np.zeros(devices + 1, np.int64)
    for position in range(len(requests)):
        place[requests[position].device + 1] += 1
    place = np.cumsum(place)
    order = np.empty(len(requests), np.int32)
    for position in range(len(requests)):
        device = requests[position].device
        order[place[device]] = position
        place[device] += 1
    return order


@compiled_with_arrays
def _wire_bytes(rules: Any, requests: Rows) -> NDArray[np.int64]:
    """Return the sizes of requests with the headers of their packets: int64."""
    sizes = np.empty(len(requests), np.int64)
    for position in range(len(requests)):
        sizes[position] = wire_bytes(rules, requests[position].bytes_up)
    return sizes


def compile_results(state: State) -> None:
    """Compile what results need."""
    _order_by_device(state.requests[:0], 0)
    _wire_bytes(state.rules[0], state.requests[:0])


@dataclass(frozen=True)
class Finished:
    """A loop that has come to its end.

    Attributes:
        world: what it ran.
        state: what it worked on.
        horizon_s: the end of the simulation.
        sent: `REQUEST`; the requests by device and step.
    """

    world: World
    state: State
    horizon_s: float
    sent: Rows

    @classmethod
    def of(cls, world: World, state: State, horizon_s: float) -> "Finished":
        """Look back from the end."""
        state = state._replace(requests=state.requests[: state.at["requests"][0]])
        order = _order_by_device(state.requests, world.devices)
        return cls(world, state, horizon_s, disk_tables.taken(state.requests, order))

    def requests(self) -> RequestRecords:
        """Return the requests, leaving out what lies after the end."""
        columns: dict[str, NDArray[Any]] = {}
        for start in range(0, max(1, len(self.sent)), REQUESTS_AT_ONCE):
            block = slice(start, start + REQUESTS_AT_ONCE)
            for name, values in vars(self._records(self.sent[block])).items():
                if name not in columns:
                    columns[name] = disk_tables.zeros(len(self.sent), values.dtype)
                columns[name][block] = values
            for table in (self.sent, *columns.values()):
                disk_tables.let_go(table)
        return RequestRecords(**columns)

    def _records(self, sent: Rows) -> RequestRecords:
        """Return some of the requests, leaving out what lies after the end."""
        rules, horizon_s = self.state.rules[0], self.horizon_s

        def times(name: str) -> NDArray[np.float64]:
            return np.where(sent[name] <= horizon_s, sent[name], NEVER_S)

        reply_s, ended_s = times("reply_s"), times("ended_s")
        happened = sent["sent_s"] <= horizon_s
        size_bytes = np.where(
            sent["answer"] == Answer.LIST, rules["list_bytes"], rules["rejection_bytes"]
        )
        return RequestRecords(
            device=sent["device"],
            step=sent["step"],
            sent_s=sent["sent_s"],
            arrived_cloud_s=times("arrived_cloud_s"),
            service_start_s=times("service_start_s"),
            service_end_s=times("service_end_s"),
            reply_s=reply_s,
            bytes_up=(sent["bytes_up"] * happened).astype(np.int64),
            bytes_down=np.where(sent["answered_s"] <= horizon_s, size_bytes, 0).astype(np.int64),
            batch_size=np.where(
                sent["service_start_s"] <= horizon_s, sent["batch_size"], np.int32(0)
            ),
            answer=np.where(reply_s < NEVER_S, sent["answer"], np.int8(Answer.NOTHING)),
            attempts=happened.astype(np.int16),
            retry_wait_s=np.zeros(len(sent)),
            ended_s=ended_s,
            outcome=np.where(ended_s < NEVER_S, sent["outcome"], np.int8(Outcome.IN_FLIGHT)),
        )

    def transfers(self) -> Iterator[Transfers]:
        """Yield the transfers of blocks of devices, as `Transfers.blocks` does."""
        device = self.sent["device"]
        starts = np.arange(0, self.world.devices + DEVICES_PER_BLOCK, DEVICES_PER_BLOCK)
        ends = np.searchsorted(device, starts)
        for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            if end > start:
                yield self._crossings(self.sent[start:end])
                disk_tables.let_go(self.sent)

    def _crossings(self, sent: Rows) -> Transfers:
        """Return the transfers of some requests: each one's, and then its reply's."""
        rules = self.state.rules[0]

        def both(up: NDArray[Any], down: NDArray[Any]) -> NDArray[Any]:
            return np.stack((up, down), axis=1).ravel()

        up_bytes = _wire_bytes(rules, sent)
        served = sent["answer"] == Answer.LIST
        down_bytes = np.where(
            served,
            wire_bytes(rules, rules["list_bytes"]),
            wire_bytes(rules, rules["rejection_bytes"]),
        )
        count = 2 * len(sent)
        sent_s = both(sent["sent_s"], sent["answered_s"])
        return Transfers(
            device=np.repeat(sent["device"], 2),
            direction=np.tile(np.array([Direction.UP, Direction.DOWN], np.int8), len(sent)),
            parameters=np.zeros(count, np.bool_),
            radio=np.zeros(count, np.int8),
            transmission=np.zeros(count, np.int8),
            first_sent_s=sent_s,
            sent_s=sent_s,
            wake_s=both(sent["up_wake_s"], sent["down_wake_s"]),
            start_s=both(sent["up_start_s"], sent["down_start_s"]),
            end_s=both(sent["up_end_s"], sent["down_end_s"]),
            arrived_s=both(sent["arrived_cloud_s"], sent["reply_s"]),
            wire_bytes=np.stack((up_bytes, down_bytes), axis=1).ravel(),
            lost_bytes=np.zeros(count, np.int64),
        )

    def cloud(self) -> CloudRecords:
        """Return what became of the cloud up to the end of the simulation."""
        horizon_s, replicas = self.horizon_s, len(self.state.station.working)
        load, busy_s = self._load()
        never_s = np.zeros(replicas)
        service_time, prompt_tokens = self.world.cloud.service_time, 0
        if isinstance(service_time, TokenServiceTime):
            prompt_tokens = service_time.tokens.prompt_tokens * int(load.work_requests.sum())
        return CloudRecords(
            on_s=never_s + horizon_s,
            starting_s=never_s,
            failed_s=never_s,
            busy_s=busy_s,
            changes=(Change(0.0, replicas, replicas, outage=False),),
            arrived=len(load.arrived_s),
            ends={end: len(load.ended_s[end.name.lower()]) for end in End},
            prompt_tokens=prompt_tokens,
            cached_tokens=0,
            horizon_s=horizon_s,
            load=load,
        )

    def _load(self) -> tuple[CloudLoad, NDArray[np.float64]]:
        """Return when attempts came and went, and for how long each replica worked."""
        sent, horizon_s = self.state.requests, self.horizon_s
        works, served = self._begun_works()
        ended_s = {end.name.lower(): np.zeros(0) for end in End}
        for end, reply in ((End.SERVED, Answer.LIST), (End.REJECTED, Answer.REJECTION)):
            replied = self.sent["answer"] == reply
            ended_s[end.name.lower()] = self._ascending(self.sent["answered_s"][replied])
        end_s = np.minimum(works["end_s"], horizon_s)
        first = np.searchsorted(works["replica"], np.arange(len(self.state.station.working) + 1))
        # Added up from left to right, as whoever follows one replica does.
        busy_s = [
            sum((end_s[start:end] - works["start_s"][start:end]).tolist())
            for start, end in zip(first[:-1].tolist(), first[1:].tolist(), strict=True)
        ]
        load = CloudLoad(
            arrived_s=self._ascending(self.sent["arrived_cloud_s"]),
            ended_s=ended_s,
            work_start_s=works["start_s"].copy(),
            work_end_s=end_s,
            work_requests=works["requests"].astype(np.int64),
            waited_s=_on_disk(sent["service_start_s"][served] - sent["arrived_cloud_s"][served]),
        )
        return load, np.array(busy_s, np.float64)

    def _ascending(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the times up to the end in ascending order."""
        happened = _on_disk(time_s[time_s <= self.horizon_s])
        happened.sort()
        return happened

    def _begun_works(self) -> tuple[Rows, NDArray[np.int32]]:
        """Return the works that began before the end, replica by replica, and whom they served."""
        works = self.state.station.works[: self.state.at["works"][0]]
        begun = np.flatnonzero(works["start_s"] <= self.horizon_s)
        works = disk_tables.taken(works, begun[np.argsort(works["replica"][begun], kind="stable")])
        requests = works["requests"].astype(np.int64)
        # The places first, first + 1, ... of each work, one after the other.
        before = np.cumsum(requests) - requests
        places = np.repeat(works["first"] - before, requests) + np.arange(requests.sum())
        return works, self.state.station.served[places]


def _on_disk(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a column, on disk if it is large."""
    kept = disk_tables.zeros(len(column))
    kept[:] = column
    return kept
