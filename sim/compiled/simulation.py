"""Runs a world through the compiled loop."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.cloud.batching.static import StaticBatching
from sim.compiled.asking import NextAsking
from sim.compiled.code import CODE_DIRECTORY
from sim.compiled.columns import (
    BUCKET,
    DEVICE,
    EVENT,
    PROGRESS,
    REQUEST,
    RULES,
    SHOWN,
    WORK,
    Agenda,
    Rows,
    State,
    Station,
    Windows,
)
from sim.compiled.loop import CUT, DONE, FULL, SPARE_EVENTS, advance, begin_all
from sim.compiled.results import Finished
from sim.energy import fleet_energy_j, network_records
from sim.network.latency import ConstantLatency
from sim.network.links import Links
from sim.network.message import Direction
from sim.network.preset import ConstantSpeed
from sim.records.interactions import InteractionRecords
from sim.records.result import SimulationResult
from sim.world import World
from workloads.progress import SILENT, Progress

EVENTS_AT_ONCE = 1_000_000
"""Events after which the loop comes back to tell how far it is, and can be interrupted."""
BUCKETS = 1 << 16
ROOM = 1 << 14
"""Rows that there is room for at first."""
GROWTH = 1.5


def simulate_compiled(world: World, links: Links, progress: Progress = SILENT) -> SimulationResult:
    """Run a world that the loop knows (`sim.compiled.scope`) until its last session has ended.

    Args:
        world: the world.
        links: its links, fresh.
        progress: told how many sessions have ended.
    """
    state = _state(world, links)
    if not CODE_DIRECTORY.exists():
        with progress.phase("compile the event loop, which is kept", 1):
            advance(state, 0)
    with progress.phase("simulate", world.devices) as told:
        begin_all(state, world.sessions.start_s)
        finished, ended = 0, CUT
        while ended != DONE:
            ended = advance(state, EVENTS_AT_ONCE)
            if ended == FULL:
                state = _with_room(state)
            told(int(state.at["finished"][0]) - finished)
            finished = int(state.at["finished"][0])
    records = replace(
        InteractionRecords.empty(world.sessions.steps, world.table.steps),
        **{name: state.windows.shown[name] for name in SHOWN.names or ()},
    )
    end = Finished.of(world, state, records.horizon_s)
    network = network_records(links, records, end.transfers())
    return SimulationResult(
        interactions=records,
        requests=end.requests(),
        cloud=end.cloud(),
        events=int(state.at["events"][0]),
        energy_j=fleet_energy_j(world, network, records),
        network=network,
    )


def _with_room(state: State) -> State:
    """Return the state with more room for requests, works and events."""
    at, station, (heap, buckets) = state.at[0], state.station, state.agenda
    requests, works, replicas = len(state.requests), len(station.works), len(station.working)
    if at["requests"] == requests:
        requests = int(GROWTH * requests)
    if at["works"] + replicas > works:
        works = int(GROWTH * works) + replicas
    bucket = min(int(at["bucket"]), len(buckets) - 1)
    events = int(at["heap"] + at["arriving"] + buckets["count"][bucket]) + replicas
    events += int(state.rules["batch_size"][0]) + SPARE_EVENTS + ROOM
    return state._replace(
        requests=_grown(state.requests, requests),
        agenda=Agenda(_grown(heap, events), buckets),
        station=station._replace(
            works=_grown(station.works, works), served=_grown(station.served, requests)
        ),
    )


def _grown(rows: NDArray[Any], count: int) -> NDArray[Any]:
    """Return a table with room for so many rows."""
    if count <= len(rows):
        return rows
    grown = np.empty(count, rows.dtype)
    grown[: len(rows)] = rows
    return grown


def _state(world: World, links: Links) -> State:
    """Return the state before the first session."""
    assert isinstance(links.latency, ConstantLatency)
    batching, factors = world.cloud.batching, links.latency.factors
    assert isinstance(batching, StaticBatching)
    batch_s = [0.0, *map(world.cloud.service_time.batch_s, range(1, batching.size + 1))]
    asking = NextAsking.of(world, world.policy_draws())
    at, buckets = np.zeros(1, PROGRESS), np.zeros(BUCKETS, BUCKET)
    at["settled_s"] = at["due_s"] = -np.inf
    at["first_arriving"] = buckets["first"] = -1
    return State(
        rules=_rules(world, links),
        at=at,
        devices=_devices(world, links, asking.row),
        requests=np.empty(ROOM, REQUEST),
        up_factor=np.ascontiguousarray(factors.table(Direction.UP)),
        down_factor=np.ascontiguousarray(factors.table(Direction.DOWN)),
        windows=Windows(
            shown=np.zeros((world.devices, world.table.steps), SHOWN),
            think_s=np.ascontiguousarray(world.sessions.think_s),
            next_asking=asking.step,
            cell_offset=np.asarray(world.table.cell_offset, np.int64),
        ),
        agenda=Agenda(np.empty(ROOM + world.replicas + batching.size, EVENT), buckets),
        station=Station(
            works=np.empty(ROOM + world.replicas, WORK),
            served=np.empty(ROOM, np.int32),
            working=np.full(world.replicas, -1, np.int32),
            batch_s=np.array(batch_s),
        ),
    )


def _rules(world: World, links: Links) -> Rows:
    """Return the numbers of the settings."""
    serving, payload, batching = world.serving, world.serving.payload, world.cloud.batching
    assert isinstance(batching, StaticBatching)
    assert isinstance(links.latency, ConstantLatency)
    radio, framing = links.radios.radios[0], links.framing
    values = {
        "steps": world.table.steps,
        "waits": serving.mode == "wait",
        "deadline_s": serving.deadline_s,
        "timeout_s": serving.timeout_s,
        "header_bytes": payload.header_bytes,
        "interaction_bytes": payload.interaction_bytes,
        "list_bytes": payload.reply_bytes(world.table.candidate_count),
        "rejection_bytes": payload.reply_bytes(0),
        "packet_bytes": framing.packet_bytes - framing.header_bytes,
        "packet_header_bytes": framing.header_bytes,
        "half_rtt_s": links.latency.half_s,
        "jitters": links.latency.factors.table(Direction.UP).size > 0,
        "promotion_s": radio.promotion_s,
        "tail_s": radio.tail_s,
        "batch_size": batching.size,
        "batch_wait_s": batching.wait_s,
        "queue_limit": world.cloud.queue_limit,
        "buckets": BUCKETS,
        "buckets_per_s": BUCKETS / max(world.last_decision_s, 1e-9),
    }
    rules = np.zeros(1, RULES)
    for name in RULES.names or ():
        rules[name] = values[name]
    return rules


def _devices(world: World, links: Links, asking: NDArray[np.int32]) -> Rows:
    """Return the devices before their sessions."""
    assert isinstance(links.medium, ConstantSpeed)
    devices = np.zeros(world.devices, DEVICE)
    devices["asking"], devices["next"] = asking, -1
    devices["cloud_knows_step"] = -world.first_uploads
    devices["row"], devices["steps"] = world.first_row, world.sessions.steps
    devices["scoring_s"] = np.array(world.phones.scoring_s)[world.phones.position]
    devices["up_bps"] = links.medium.bps[Direction.UP]
    devices["down_bps"] = links.medium.bps[Direction.DOWN]
    for name in ("ready_s", "idle_s", "up_free_s", "down_free_s", "reached_s", "out_of_sight_s"):
        devices[name] = -np.inf
    return devices
