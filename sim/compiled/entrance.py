"""Where sessions come from and where they go: only devices in session have a place in memory."""

import math
from typing import Any

from sim.compiled.code import compiled
from sim.compiled.columns import Rows, State
from sim.compiled.session import expect, go_on


@compiled
def enter(state: State, at: Any, device: int) -> None:
    """Begin the session of a device, for which there is a place."""
    fleet, windows = state.fleet, state.windows
    at.free -= 1
    place = state.unused[at.free]
    session = state.sessions[place]
    session.device, session.asking, session.steps = (
        device,
        fleet.asking[device],
        fleet.steps[device],
    )
    session.cloud_knows_step = -fleet.first_upload[device]
    session.row, session.step, session.under_way = state.rules[0].first_row, 0, 0
    session.scoring_s = fleet.scoring_s[fleet.hardware[device]]
    session.up_bps, session.down_bps = fleet.up_bps[device], fleet.down_bps[device]
    session.ready_s = session.idle_s = session.up_free_s = session.down_free_s = -math.inf
    session.reached_s = session.out_of_sight_s = -math.inf
    for step in range(session.steps):
        shown = windows.shown[place, step]
        shown.requested = shown.suppressed = False
        if step + 1 < session.steps:
            windows.think_s[place, step] = fleet.think_s[device, step]
        if state.rules[0].jitters:
            state.up_factor[place, step] = fleet.up_factor[device, step]
            state.down_factor[place, step] = fleet.down_factor[device, step]
    expect(windows, session, place, 0, fleet.start_s[device])
    if go_on(state.rules[0], at, state.agenda, windows, session, place):
        leave(fleet.shown, windows.shown, state.unused, at, session, place)


@compiled
def leave(left: Rows, shown: Rows, unused: Any, at: Any, session: Any, place: int) -> None:
    """Write down what a device has shown whose replies have all come, and free its place."""
    for step in range(session.steps):
        left[session.device, step] = shown[place, step]
    unused[at.free] = place
    at.free += 1
