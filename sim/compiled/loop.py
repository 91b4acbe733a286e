"""The loop: what happens next, until nothing does."""

import math
from typing import Any

from sim.clock import DECISION, TIMEOUT
from sim.compiled.agenda import (
    ARRIVES,
    FINISHES,
    REACHES,
    RECEIVES,
    SENDS,
    bucket_of,
    remove_first,
    schedule,
)
from sim.compiled.cloud import answer, arrive, queue, reject, serve, settle_now
from sim.compiled.code import compiled
from sim.compiled.columns import Rows, State, Station
from sim.compiled.entrance import enter, leave
from sim.compiled.network import cross_down, send_down, send_up
from sim.compiled.session import OPEN, TIMED_OUT, ask, end, first_timeout_s, outcome_of

DONE, CUT, FULL = 0, 1, 2
"""Why the loop came back: nothing is left, it was to come back now, or tables have to grow."""
SPARE_EVENTS = 8
"""Room that the heap has to have beside a batch's replies, an instant's rejections and a batch of
each replica."""


@compiled
def _load_bucket(state: State, at: Any) -> bool:
    """Begin the next bucket's sessions, and move those that send into the heap.

    Returns:
        Whether there was room.
    """
    rules, fleet, (heap, buckets) = state.rules[0], state.fleet, state.agenda
    while at.begun < len(fleet.order):
        device = fleet.order[at.begun]
        if bucket_of(rules, fleet.start_s[device]) > at.bucket:
            break
        if not at.free:
            return False
        at.begun += 1
        enter(state, at, device)
    bucket = buckets[at.bucket]
    if at.heap + bucket.count + 1 > len(heap):
        return False
    at.bucket += 1
    place = bucket.first
    while place >= 0:
        session = state.sessions[place]
        schedule(at, heap, session.sending_s, DECISION + session.device, SENDS, place)
        place = session.next
    return True


@compiled
def _factor(rules: Any, factors: Any, request: Any) -> float:
    """Return the factor on the latency of a request or its reply."""
    return factors[request.session, request.step] if rules.jitters else 1.0


@compiled
def _settle(
    rules: Any, at: Any, heap: Rows, requests: Rows, sessions: Rows, factors: Any, station: Station
) -> None:
    """Queue what has arrived and let replicas take what is due."""
    at.settled_s = -math.inf
    if at.due_s == at.now_s:
        at.due_s = -math.inf
    number, arriving = at.first_arriving, at.arriving
    at.first_arriving, at.arriving = -1, 0
    for _ in range(arriving):
        request = requests[number]
        behind = request.behind
        if at.waiting >= rules.queue_limit:
            serve(rules, at, heap, requests, station)
        if at.waiting >= rules.queue_limit:
            reject(request)
            factor = _factor(rules, factors, request)
            send_down(rules, at, heap, sessions[request.session], request, number, factor)
        else:
            queue(rules, at, requests, number)
        number = behind
    serve(rules, at, heap, requests, station)


@compiled
def _finish(
    rules: Any, at: Any, heap: Rows, requests: Rows, sessions: Rows, factors: Any, station: Station
) -> None:
    """Let the replica that the loop is at answer its batch."""
    work = station.works[station.working[at.subject]]
    for place in range(work.first, work.first + work.requests):
        number = station.served[place]
        request = requests[number]
        answer(at, request)
        factor = _factor(rules, factors, request)
        send_down(rules, at, heap, sessions[request.session], request, number, factor)
    station.working[at.subject] = -1
    if at.waiting > 0:
        settle_now(at, heap)


@compiled
def advance(state: State, most_events: int) -> int:
    """Let so many events happen; return why it came back."""
    rules, at, sessions, requests = state.rules[0], state.at[0], state.sessions, state.requests
    agenda, windows, station = state.agenda, state.windows, state.station
    heap, shown, up_factor, down_factor = (
        state.agenda.heap,
        state.windows.shown,
        state.up_factor,
        state.down_factor,
    )
    # Room for whatever one event can add.
    most = len(heap) - SPARE_EVENTS - rules.batch_size - len(state.station.working)
    for _ in range(most_events):
        timeout_s = first_timeout_s(rules, at, requests)
        while True:
            time_s = min(timeout_s, heap[0].time_s) if at.heap else timeout_s
            if at.bucket == rules.buckets or bucket_of(rules, time_s) < at.bucket:
                break
            if not _load_bucket(state, at):
                return FULL
        if time_s == math.inf:
            return DONE
        if at.heap + at.arriving > most:
            return FULL
        at.events += 1
        at.now_s = time_s
        over, place = False, 0
        first = at.heap > 0 and heap[0].time_s == time_s
        if timeout_s == time_s and not (first and heap[0].priority < TIMEOUT):
            request = requests[at.timed]
            place = request.session
            over = end(rules, at, agenda, windows, sessions[place], request, TIMED_OUT)
        else:
            kind, at.subject = heap[0].kind, heap[0].subject
            remove_first(at, heap)
            if kind == SENDS:
                session, request = sessions[at.subject], requests[at.requests]
                ask(rules, at, session, request)
                shown[at.subject, session.step].requested = True
                factor = _factor(rules, up_factor, request)
                send_up(rules, at, heap, session, request, at.requests, factor)
                at.requests += 1
            elif kind == ARRIVES:
                arrive(rules, at, heap, requests)
            elif kind == REACHES:
                request = requests[at.subject]
                session = sessions[request.session]
                cross_down(rules, at, heap, session, request, at.subject, at.now_s)
            elif kind == RECEIVES:
                request = requests[at.subject]
                place = request.session
                session = sessions[place]
                session.under_way -= 1
                request.reply_s = at.now_s
                if request.outcome == OPEN:
                    outcome = outcome_of(request)
                    over = end(rules, at, agenda, windows, session, request, outcome)
                else:
                    over = session.step == session.steps
            elif kind == FINISHES:
                _finish(rules, at, heap, requests, sessions, down_factor, station)
            else:
                _settle(rules, at, heap, requests, sessions, down_factor, station)
        if over and not sessions[place].under_way:
            leave(state.fleet.shown, shown, state.unused, at, sessions[place], place)
    return CUT
