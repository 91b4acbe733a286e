"""Runs a world through the compiled loop."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.cloud.batching.static import StaticBatching
from sim.compiled import code
from sim.compiled.asking import NextAsking
from sim.compiled.columns import (
    BUCKET,
    EVENT,
    PROGRESS,
    REQUEST,
    RULES,
    SESSION,
    SHOWN,
    WORK,
    Agenda,
    Fleet,
    Rows,
    State,
    Station,
    Windows,
)
from sim.compiled.loop import CUT, DONE, FULL, SPARE_EVENTS, advance
from sim.compiled.results import Finished, compile_results
from sim.energy import fleet_energy_j, network_records
from sim.network.latency import ConstantLatency
from sim.network.links import Links
from sim.network.message import Direction
from sim.network.preset import ConstantSpeed
from sim.records.interactions import InteractionRecords
from sim.records.result import SimulationResult
from sim.world import World
from workloads import disk_tables
from workloads.progress import SILENT, Progress

EVENTS_AT_ONCE = 2_000_000
"""Events after which the loop comes back to tell how far it is, lets go of what is on disk, and can
be interrupted."""
BUCKETS = 1 << 16
ROOM = 1 << 12
"""Events and places that there is room for at first."""
GROWTH = 1.5


def simulate_compiled(world: World, links: Links, progress: Progress = SILENT) -> SimulationResult:
    """Run a world that the loop knows (`sim.compiled.scope`) until its last session has ended.

    Args:
        world: the world.
        links: its links, which nothing has crossed.
        progress: told how many sessions have ended.
    """
    state = _state(world, links)
    if not code.is_kept():
        with progress.phase("compile the event loop, which is kept", 1):
            advance(state, 0)
            compile_results(state)
            code.keep()
    with progress.phase("simulate", world.devices) as told:
        finished, ended = 0, CUT
        while ended != DONE:
            ended = advance(state, EVENTS_AT_ONCE)
            if ended == FULL:
                state = _with_room(state)
            else:
                _let_go(state)
            told(int(state.at["finished"][0]) - finished)
            finished = int(state.at["finished"][0])
    records = replace(
        InteractionRecords.empty(world.sessions.steps, world.table.steps),
        **{name: state.fleet.shown[name] for name in SHOWN.names or ()},
    )
    end = Finished.of(world, state, records.horizon_s)
    network = network_records(links, records, end.transfers())
    result = SimulationResult(
        interactions=records,
        requests=end.requests(),
        cloud=end.cloud(),
        events=int(state.at["events"][0]),
        energy_j=fleet_energy_j(world, network, records),
        network=network,
    )
    _let_go(state)
    return result


def _let_go(state: State) -> None:
    """Let go of what is on disk: most of it is of devices that are not in session."""
    fleet = state.fleet
    drawn: tuple[NDArray[Any], ...] = (fleet.think_s, fleet.up_factor, fleet.down_factor)
    for table in (fleet.shown, *drawn, state.requests, state.station.works, state.station.served):
        disk_tables.let_go(table)


def _with_room(state: State) -> State:
    """Return the state with more room for sessions and events."""
    at, sessions, (heap, buckets) = state.at[0], state.sessions, state.agenda
    bucket = min(int(at["bucket"]), len(buckets) - 1)
    events = int(at["heap"] + at["arriving"] + buckets["count"][bucket])
    events += len(state.station.working) + int(state.rules["batch_size"][0]) + SPARE_EVENTS
    state = state._replace(agenda=Agenda(_grown(heap, events + ROOM), buckets))
    if at["free"]:
        return state
    places, windows = int(GROWTH * len(sessions)) + 1, state.windows
    unused = np.zeros(places, np.int32)
    at["free"] = places - len(sessions)
    unused[: at["free"]] = np.arange(len(sessions), places)
    jitters = bool(state.rules["jitters"][0])
    return state._replace(
        sessions=_grown(sessions, places),
        up_factor=_grown(state.up_factor, places if jitters else 0),
        down_factor=_grown(state.down_factor, places if jitters else 0),
        unused=unused,
        windows=windows._replace(
            shown=_grown(windows.shown, places),
            think_s=_grown(windows.think_s, places),
        ),
    )


def _grown(rows: NDArray[Any], count: int) -> NDArray[Any]:
    """Return a table with room for so many rows."""
    if count <= len(rows):
        return rows
    grown = np.zeros((count, *rows.shape[1:]), rows.dtype)
    grown[: len(rows)] = rows
    return grown


def _state(world: World, links: Links) -> State:
    """Return the state before the first session."""
    steps = world.table.steps
    size = _most_together(world)
    batch_s = [0.0, *map(world.cloud.service_time.batch_s, range(1, size + 1))]
    asking = NextAsking.of(world, world.policy_draws())
    fleet = _fleet(world, links, asking.row)
    places, most_requests = min(world.devices, ROOM), int(fleet.steps.sum())
    at, buckets = np.zeros(1, PROGRESS), np.zeros(BUCKETS, BUCKET)
    at["settled_s"] = at["due_s"] = -np.inf
    at["first_arriving"] = buckets["first"] = -1
    at["free"] = places
    return State(
        rules=_rules(world, links),
        at=at,
        fleet=fleet,
        sessions=np.zeros(places, SESSION),
        requests=disk_tables.zeros(most_requests + 1, REQUEST),
        up_factor=np.zeros((places if len(fleet.up_factor) else 0, steps)),
        down_factor=np.zeros((places if len(fleet.down_factor) else 0, steps)),
        unused=np.arange(places, dtype=np.int32),
        windows=Windows(
            shown=np.zeros((places, steps), SHOWN),
            think_s=np.zeros((places, steps - 1)),
            next_asking=asking.step,
            cell_offset=np.asarray(world.table.cell_offset, np.int64),
        ),
        agenda=Agenda(np.zeros(ROOM + world.replicas + size, EVENT), buckets),
        station=Station(
            works=disk_tables.zeros(most_requests, WORK),
            served=disk_tables.zeros(most_requests, np.int32),
            working=np.full(world.replicas, -1, np.int32),
            batch_s=np.array(batch_s),
        ),
    )


def _most_together(world: World) -> int:
    """Return the size of the largest batch that there can be."""
    batching = world.cloud.batching
    assert isinstance(batching, StaticBatching)
    return min(batching.size, world.devices * world.table.steps + 1)


def _rules(world: World, links: Links) -> Rows:
    """Return the numbers of the settings."""
    serving, payload, batching = world.serving, world.serving.payload, world.cloud.batching
    assert isinstance(batching, StaticBatching)
    assert isinstance(links.latency, ConstantLatency)
    radio, framing = links.radios.radios[0], links.framing
    values = {
        "steps": world.table.steps,
        "first_row": world.first_row,
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
        "batch_size": _most_together(world),
        "batch_wait_s": batching.wait_s,
        "queue_limit": world.cloud.queue_limit,
        "buckets": BUCKETS,
        "buckets_per_s": BUCKETS / max(world.last_decision_s, 1e-9),
    }
    rules = np.zeros(1, RULES)
    for name in RULES.names or ():
        rules[name] = values[name]
    return rules


def _fleet(world: World, links: Links, asking: NDArray[np.int32]) -> Fleet:
    """Return all devices."""
    assert isinstance(links.medium, ConstantSpeed)
    assert isinstance(links.latency, ConstantLatency)
    sessions, factors, bps = world.sessions, links.latency.factors, links.medium.bps
    return Fleet(
        order=np.argsort(sessions.start_s, kind="stable").astype(np.int32),
        start_s=sessions.start_s,
        steps=sessions.steps,
        asking=asking,
        first_upload=world.first_uploads.astype(np.int32),
        hardware=world.phones.position,
        scoring_s=np.array(world.phones.scoring_s),
        up_bps=bps[Direction.UP],
        down_bps=bps[Direction.DOWN],
        think_s=np.ascontiguousarray(sessions.think_s),
        up_factor=np.ascontiguousarray(factors.table(Direction.UP)),
        down_factor=np.ascontiguousarray(factors.table(Direction.DOWN)),
        shown=disk_tables.zeros((world.devices, world.table.steps), SHOWN),
    )
