"""The loop: what happens next, until nothing does."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from sim.compiled.cloud import answer, arrivals_in_order, arrive, queue, reject, serve, settle_now
from sim.compiled.code import compiled
from sim.compiled.columns import Agenda, Rows, State
from sim.compiled.network import cross_down, send_down, send_up
from sim.compiled.session import TIMED_OUT, ask, end, expect, first_timeout_s, go_on, outcome_of

DONE, CUT, FULL = 0, 1, 2
"""Why the loop came back: nothing is left, it was to come back now, or tables have to grow."""
SPARE_EVENTS = 8
"""Room that the heap has to have beside a batch's replies, an instant's rejections and a batch of
each replica."""


@compiled
def begin_all(state: State, start_s: NDArray[np.float64]) -> None:
    """Begin every session."""
    rules, at, devices = state.rules[0], state.at[0], state.devices
    for number in range(len(start_s)):
        device = devices[number]
        expect(state.windows, device, number, 0, start_s[number])
        go_on(rules, at, state.agenda, state.windows, device, number)


@compiled
def _load_bucket(at: Any, agenda: Agenda, devices: Rows) -> bool:
    """Move the next bucket into the heap; tell whether there was room."""
    bucket = agenda.buckets[at.bucket]
    if at.heap + bucket.count + 1 > len(agenda.heap):
        return False
    at.bucket += 1
    number = bucket.first
    while number >= 0:
        device = devices[number]
        schedule(at, agenda.heap, device.sending_s, DECISION + number, SENDS, number)
        number = device.next
    return True


@compiled
def _reply(state: State, at: Any, number: int) -> None:
    """Send the reply to a request on its way."""
    rules, request = state.rules[0], state.requests[number]
    factor = 1.0
    if rules.jitters:
        factor = state.down_factor[request.device, request.step]
    device = state.devices[request.device]
    send_down(rules, at, state.agenda.heap, device, request, number, factor)


@compiled
def _settle(state: State, at: Any) -> None:
    """Queue what has arrived and let replicas take what is due."""
    rules, requests, heap = state.rules[0], state.requests, state.agenda.heap
    at.settled_s = -math.inf
    if at.due_s == at.now_s:
        at.due_s = -math.inf
    if at.arriving:
        for number in arrivals_in_order(rules, at, requests):
            if at.waiting >= rules.queue_limit:
                serve(rules, at, heap, requests, state.station)
            if at.waiting >= rules.queue_limit:
                reject(requests[number])
                _reply(state, at, number)
            else:
                queue(at, requests, number)
    serve(rules, at, heap, requests, state.station)


@compiled
def _finish(state: State, at: Any, replica: int) -> None:
    """Let a replica answer its batch."""
    station = state.station
    work = station.works[station.working[replica]]
    for place in range(work.first, work.first + work.requests):
        number = station.served[place]
        answer(at, state.requests[number])
        _reply(state, at, number)
    station.working[replica] = -1
    if at.waiting > 0:
        settle_now(at, state.agenda.heap)


@compiled
def advance(state: State, most_events: int) -> int:
    """Let so many events happen; return why it came back."""
    rules, at, devices, requests = state.rules[0], state.at[0], state.devices, state.requests
    agenda, windows, heap = state.agenda, state.windows, state.agenda.heap
    shown, up_factor, replicas = windows.shown, state.up_factor, len(state.station.working)
    # Room for whatever one event can add.
    most_heap = len(heap) - SPARE_EVENTS - rules.batch_size - replicas
    most_works = len(state.station.works) - replicas
    for _ in range(most_events):
        if at.heap + at.arriving > most_heap or at.works > most_works:
            return FULL
        if at.requests == len(requests):
            return FULL
        timeout_s = first_timeout_s(rules, at, requests)
        while True:
            time_s = min(timeout_s, heap[0].time_s) if at.heap else timeout_s
            if at.bucket == rules.buckets or bucket_of(rules, time_s) < at.bucket:
                break
            if not _load_bucket(at, agenda, devices):
                return FULL
        if time_s == math.inf:
            return DONE
        at.events += 1
        at.now_s = time_s
        first = at.heap > 0 and heap[0].time_s == time_s
        if timeout_s == time_s and not (first and heap[0].priority < TIMEOUT):
            request = requests[at.timed]
            device = devices[request.device]
            end(rules, at, agenda, windows, device, request, TIMED_OUT)
            continue
        kind, subject = heap[0].kind, heap[0].subject
        remove_first(at, heap)
        if kind == SENDS:
            device, request = devices[subject], requests[at.requests]
            ask(rules, at, device, subject, request)
            shown[subject, device.step].requested = True
            factor = up_factor[subject, device.step] if rules.jitters else 1.0
            send_up(rules, at, heap, device, request, at.requests, factor)
            at.requests += 1
        elif kind == ARRIVES:
            arrive(at, heap, requests[subject], subject)
        elif kind == REACHES:
            request = requests[subject]
            cross_down(rules, at, heap, devices[request.device], request, subject, at.now_s)
        elif kind == RECEIVES:
            request = requests[subject]
            request.reply_s = at.now_s
            if request.ended_s == math.inf:
                device = devices[request.device]
                end(rules, at, agenda, windows, device, request, outcome_of(request))
        elif kind == FINISHES:
            _finish(state, at, subject)
        else:
            _settle(state, at)
    return CUT
