"""A device's session, moved on from one request to the next; as `sim.device.session` does it."""

import math
from typing import Any

from sim.client.request import Answer, Outcome
from sim.clock import DECISION
from sim.compiled.agenda import put_off
from sim.compiled.code import compiled
from sim.compiled.columns import Agenda, Rows, Windows

_LIST, _DELIVERED, TIMED_OUT = int(Answer.LIST), int(Outcome.DELIVERED), int(Outcome.TIMED_OUT)
_REJECTED, _SUPERSEDED = int(Outcome.REJECTED), int(Outcome.SUPERSEDED)
OPEN = int(Outcome.IN_FLIGHT)
"""Outcome of a request that has none yet."""


@compiled
def expect(windows: Windows, session: Any, place: int, step: int, decision_s: float) -> None:
    """Write down when decisions from a step on are taken, if nothing makes the device wait."""
    for later in range(step, session.steps):
        shown = windows.shown[place, later]
        shown.decision_s, shown.shown_s = decision_s, decision_s + session.scoring_s
        if later + 1 < session.steps:
            decision_s = shown.shown_s + windows.think_s[place, later]


@compiled
def go_on(rules: Any, at: Any, agenda: Agenda, windows: Windows, session: Any, place: int) -> bool:
    """Go on to the step at which the policy asks, or to the end; tell whether it is the end."""
    asking = session.steps
    if session.step < session.steps:
        cell = windows.cell_offset[session.row] + session.step
        asking = min(asking, windows.next_asking[session.asking, cell])
    for held in range(session.step, min(asking + 1, session.steps)):
        shown = windows.shown[place, held]
        shown.held_row = shown.shown_row = session.row
    session.step = asking
    if asking == session.steps:
        at.finished += 1
        return True
    session.sending_s = windows.shown[place, asking].decision_s + session.scoring_s
    priority = DECISION + session.device
    put_off(rules, at, agenda, session, place, session.sending_s, priority)
    return False


@compiled
def ask(rules: Any, at: Any, session: Any, request: Any) -> None:
    """Make the request of the present step of the session that the loop is at."""
    session.under_way += 1
    news = session.step - session.cloud_knows_step
    request.device, request.step, request.session = session.device, session.step, at.subject
    request.bytes_up = rules.header_bytes + rules.interaction_bytes * news
    request.sent_s, request.outcome, request.ended_s = at.now_s, OPEN, math.inf
    request.arrived_cloud_s = request.answered_s = request.reply_s = math.inf
    request.service_start_s = request.service_end_s = math.inf
    request.batch_size = request.answer = 0


@compiled
def outcome_of(request: Any) -> int:
    """Return the outcome of a request whose reply has come in time."""
    return _DELIVERED if request.answer == _LIST else _REJECTED


@compiled
def end(
    rules: Any, at: Any, agenda: Agenda, windows: Windows, session: Any, request: Any, outcome: int
) -> bool:
    """End a request, and go on to the first decision after that; tell whether there is none."""
    request.outcome, request.ended_s = outcome, at.now_s
    delivered, shown_at_once = outcome == _DELIVERED, False
    if rules.waits:
        shown_at_once = _wait(rules, windows, session, request, delivered)
    step = request.step + 1
    while step < session.steps:
        shown = windows.shown[request.session, step]
        if not shown.decision_s < at.now_s:
            break
        shown.held_row = shown.shown_row = session.row
        shown.suppressed = True
        step += 1
    session.step = step
    if delivered:
        session.row = session.cloud_knows_step = request.step
        if step == session.steps and not shown_at_once:
            request.outcome = _SUPERSEDED
    return go_on(rules, at, agenda, windows, session, request.session)


@compiled
def _wait(rules: Any, windows: Windows, session: Any, request: Any, delivered: bool) -> bool:
    """Let the asking step wait for its list; tell whether it showed it."""
    shown = windows.shown[request.session, request.step]
    limit_s = request.sent_s + rules.deadline_s
    in_time = delivered and request.ended_s <= limit_s
    shown.shown_s = min(request.ended_s, limit_s)
    if in_time:
        shown.shown_row = request.step
        shown.shown_s += session.scoring_s
    if request.step + 1 < session.steps:
        decision_s = shown.shown_s + windows.think_s[request.session, request.step]
        expect(windows, session, request.session, request.step + 1, decision_s)
    return in_time


@compiled
def first_timeout_s(rules: Any, at: Any, requests: Rows) -> float:
    """Return when the oldest open request is given up; infinite if none is open."""
    while at.timed < at.requests:
        request = requests[at.timed]
        if request.outcome == OPEN:
            return request.sent_s + rules.timeout_s
        at.timed += 1
    return math.inf
