"""Events to come, in the order of `sim.clock.Clock`: by time, priority, and order of scheduling.

The near ones are in a heap. Sessions that send later are put off in buckets of time, so that the
heap holds what is under way and what happens within one bucket's time, however many devices there
are.
"""

from typing import Any

from sim.compiled.code import compiled
from sim.compiled.columns import Agenda

ARRIVES = 0
"""The last byte of a request is in the cloud."""
FINISHES = 1
"""A replica has served its batch."""
REACHES = 2
"""A reply has come as far as the device's link."""
RECEIVES = 3
"""The last byte of a reply is there."""
SENDS = 4
"""A session sends a request."""
SETTLES = 5
"""The cloud settles an instant."""


@compiled
def _before(event: Any, time_s: float, priority: int, number: int) -> bool:
    if event.time_s != time_s:
        return event.time_s < time_s
    if event.priority != priority:
        return event.priority < priority
    return event.number < number


@compiled
def _place(heap: Any, place: int, event: tuple[float, int, int, int, int]) -> None:
    row = heap[place]
    row.time_s, row.priority, row.number, row.kind, row.subject = event


@compiled
def _fields(row: Any) -> tuple[float, int, int, int, int]:
    return row.time_s, row.priority, row.number, row.kind, row.subject


@compiled
def schedule(at: Any, heap: Any, time_s: float, priority: int, kind: int, subject: int) -> None:
    """Let something happen at a time, which is not before now; there must be room in the heap."""
    number, place = at.numbers, at.heap
    at.numbers += 1
    at.heap += 1
    while place > 0:
        parent = (place - 1) // 2
        if _before(heap[parent], time_s, priority, number):
            break
        _place(heap, place, _fields(heap[parent]))
        place = parent
    _place(heap, place, (time_s, priority, number, kind, subject))


@compiled
def remove_first(at: Any, heap: Any) -> None:
    """Take the first event, which stands at position 0, out of the heap."""
    at.heap -= 1
    last, place = at.heap, 0
    time_s, priority, number, kind, subject = _fields(heap[last])
    while True:
        child = 2 * place + 1
        if child >= last:
            break
        if child + 1 < last:
            right = heap[child + 1]
            if _before(right, heap[child].time_s, heap[child].priority, heap[child].number):
                child += 1
        if not _before(heap[child], time_s, priority, number):
            break
        _place(heap, place, _fields(heap[child]))
        place = child
    _place(heap, place, (time_s, priority, number, kind, subject))


@compiled
def bucket_of(rules: Any, time_s: float) -> int:
    """Return the bucket of a time; the last one holds all that is later."""
    return int(min(time_s * rules.buckets_per_s, rules.buckets - 1.0))


@compiled
def put_off(
    rules: Any, at: Any, agenda: Agenda, session: Any, place: int, time_s: float, priority: int
) -> None:
    """Let a session send at a time: put off if that is after what the heap holds."""
    bucket = bucket_of(rules, time_s)
    if bucket < at.bucket:
        schedule(at, agenda.heap, time_s, priority, SENDS, place)
        return
    row = agenda.buckets[bucket]
    session.next = row.first
    row.first = place
    row.count += 1
