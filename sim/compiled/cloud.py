"""The cloud: one queue, static batches, replicas that never fail; as `sim.cloud.station` has them.

All that arrives at one instant is queued in the order of devices, before a replica takes from the
queue.
"""

from typing import Any

from sim.client.request import Answer
from sim.clock import DELIVERY, SETTLEMENT
from sim.compiled.agenda import FINISHES, SETTLES, schedule
from sim.compiled.code import compiled
from sim.compiled.columns import Rows, Station

_LIST, _REJECTION = int(Answer.LIST), int(Answer.REJECTION)


@compiled
def settle_now(at: Any, heap: Rows) -> None:
    """Let the cloud settle this instant."""
    if at.settled_s != at.now_s:
        at.settled_s = at.now_s
        schedule(at, heap, at.now_s, SETTLEMENT, SETTLES, 0)


@compiled
def arrive(rules: Any, at: Any, heap: Rows, requests: Rows) -> None:
    """Take the request in that the loop is at: it is queued or turned away within this instant."""
    number = at.subject
    request = requests[number]
    request.arrived_cloud_s = at.now_s
    place = _place(rules, request)
    if at.first_arriving < 0 or place < _place(rules, requests[at.first_arriving]):
        request.behind = at.first_arriving
        if at.first_arriving < 0:
            at.last_arriving = number
        at.first_arriving = number
    else:
        # Who arrives together was mostly sent together, and that is in the order of devices.
        ahead = at.last_arriving
        if place < _place(rules, requests[ahead]):
            ahead = at.first_arriving
            while _place(rules, requests[requests[ahead].behind]) < place:
                ahead = requests[ahead].behind
            request.behind = requests[ahead].behind
        else:
            at.last_arriving = number
            request.behind = -1
        requests[ahead].behind = number
    at.arriving += 1
    settle_now(at, heap)


@compiled
def _place(rules: Any, request: Any) -> int:
    """Return what orders requests that arrive together."""
    return request.device * (rules.steps + 1) + request.step


@compiled
def queue(rules: Any, at: Any, requests: Rows, number: int) -> None:
    """Let a request wait: behind all that arrived before, or together with it from devices before.

    Some of this very instant may have been queued already, where settling it made others arrive.
    """
    request, ahead, behind = requests[number], -1, at.first_waiting
    if at.waiting and not _precedes(rules, request, requests[at.last_waiting]):
        ahead, behind = at.last_waiting, -1
    elif at.waiting:
        while not _precedes(rules, request, requests[behind]):
            ahead, behind = behind, requests[behind].behind
    if at.waiting == 0 or ahead == at.last_waiting:
        at.last_waiting = number
    if ahead < 0:
        at.first_waiting = number
    else:
        requests[ahead].behind = number
    request.behind = behind
    at.waiting += 1


@compiled
def _precedes(rules: Any, request: Any, other: Any) -> bool:
    if request.arrived_cloud_s != other.arrived_cloud_s:
        return request.arrived_cloud_s < other.arrived_cloud_s
    return _place(rules, request) < _place(rules, other)


@compiled
def reject(request: Any) -> None:
    """Turn a request away."""
    request.answer = _REJECTION


@compiled
def serve(rules: Any, at: Any, heap: Rows, requests: Rows, station: Station) -> None:
    """Let idle replicas, in the order of their numbers, take batches that are due."""
    working, replica = station.working, 0
    while at.waiting > 0:
        while replica < len(working) and working[replica] >= 0:
            replica += 1
        if replica == len(working):
            return
        if at.waiting < rules.batch_size and at.waiting < rules.queue_limit:
            due_s = requests[at.first_waiting].arrived_cloud_s + rules.batch_wait_s
            if at.now_s < due_s:
                if at.due_s != due_s:
                    at.due_s = due_s
                    schedule(at, heap, due_s, SETTLEMENT, SETTLES, 0)
                return
        working[replica] = at.works
        size = min(at.waiting, rules.batch_size)
        work = station.works[at.works]
        work.start_s, work.end_s = at.now_s, at.now_s + station.batch_s[size]
        work.replica, work.requests, work.first = replica, size, at.served
        at.works += 1
        _begin(at, requests, station.served, size)
        schedule(at, heap, work.end_s, DELIVERY, FINISHES, replica)


@compiled
def _begin(at: Any, requests: Rows, served: Any, size: int) -> None:
    """Take a batch out of the queue."""
    number = at.first_waiting
    for _ in range(size):
        request = requests[number]
        request.service_start_s, request.batch_size = at.now_s, size
        served[at.served] = number
        at.served += 1
        number = request.behind
    at.first_waiting = number
    at.waiting -= size


@compiled
def answer(at: Any, request: Any) -> None:
    """Answer a request with a list."""
    request.service_end_s, request.answer = at.now_s, _LIST
