"""The tables that the compiled loop works on: rows of named fields, together in memory."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]

RULES = np.dtype(
    [
        ("steps", np.int64),
        ("first_row", np.int64),
        ("waits", np.bool_),
        ("deadline_s", np.float64),
        ("timeout_s", np.float64),
        ("header_bytes", np.int64),
        ("interaction_bytes", np.int64),
        ("list_bytes", np.int64),
        ("rejection_bytes", np.int64),
        ("packet_bytes", np.int64),
        ("packet_header_bytes", np.int64),
        ("half_rtt_s", np.float64),
        ("jitters", np.bool_),
        ("promotion_s", np.float64),
        ("tail_s", np.float64),
        ("batch_size", np.int64),
        ("batch_wait_s", np.float64),
        ("queue_limit", np.int64),
        ("buckets", np.int64),
        ("buckets_per_s", np.float64),
    ],
    align=True,
)
"""The numbers of a world's settings. `first_row`: of the list that devices begin with. `waits`:
`serving.mode` is `wait`. `packet_bytes`: what a
packet carries beside its header. `jitters`: there are factors on the latency."""

SESSION = np.dtype(
    [
        ("device", np.int32),
        ("asking", np.int32),
        ("next", np.int32),
        ("cloud_knows_step", np.int32),
        ("under_way", np.int32),
        ("row", np.int16),
        ("step", np.int16),
        ("steps", np.int16),
        ("scoring_s", np.float64),
        ("sending_s", np.float64),
        ("up_bps", np.float64),
        ("down_bps", np.float64),
        ("ready_s", np.float64),
        ("idle_s", np.float64),
        ("up_free_s", np.float64),
        ("down_free_s", np.float64),
        ("reached_s", np.float64),
        ("out_of_sight_s", np.float64),
    ],
    align=True,
)
"""A device in session. `asking`: its row in `Windows.next_asking`. `next`: the session after it in
its bucket, or -1. `under_way`: requests whose replies have not come. `row`, `step`, `steps`: the
list that it holds, its next step, and how many it lives through. `sending_s`: of its next request.
`ready_s`, `idle_s`: when its radio is promoted, and when its tail ends. `up_free_s`,
`down_free_s`: when what crosses the link has crossed. `reached_s`, `out_of_sight_s`: as in
`sim.network.turns.Turns`."""

SHOWN = np.dtype(
    [
        ("decision_s", np.float64),
        ("shown_s", np.float64),
        ("held_row", np.int16),
        ("shown_row", np.int16),
        ("requested", np.bool_),
        ("suppressed", np.bool_),
    ],
    align=True,
)
"""A step of a device, as in `sim.records.interactions.InteractionRecords`."""

REQUEST = np.dtype(
    [
        ("device", np.int32),
        ("step", np.int16),
        ("outcome", np.int8),
        ("answer", np.int8),
        ("bytes_up", np.int64),
        ("batch_size", np.int32),
        ("behind", np.int32),
        ("session", np.int32),
        ("sent_s", np.float64),
        ("ended_s", np.float64),
        ("arrived_cloud_s", np.float64),
        ("service_start_s", np.float64),
        ("service_end_s", np.float64),
        ("answered_s", np.float64),
        ("reply_s", np.float64),
        ("up_wake_s", np.float64),
        ("up_start_s", np.float64),
        ("up_end_s", np.float64),
        ("down_wake_s", np.float64),
        ("down_start_s", np.float64),
        ("down_end_s", np.float64),
    ],
    align=True,
)
"""A request and its one attempt, as in `sim.client.request`; times are infinite until they happen.
`behind`: the request behind it in the cloud's queue, or among those that arrive together.
`session`: its device's place among those in session. `up_...`, `down_...`: of its transfer and of
its reply's, as in `sim.network.transfers.Transfers`."""

WORK = np.dtype(
    [
        ("start_s", np.float64),
        ("end_s", np.float64),
        ("requests", np.int32),
        ("replica", np.int32),
        ("first", np.int64),
    ],
    align=True,
)
"""A batch. `requests`: how many were served together. `first`: where they begin in
`Station.served`."""

EVENT = np.dtype(
    [
        ("time_s", np.float64),
        ("priority", np.int64),
        ("number", np.int64),
        ("kind", np.int32),
        ("subject", np.int32),
    ],
    align=True,
)
"""An event of the heap. `priority`: as in `sim.clock`. `number`: how many were scheduled before.
`kind`: what happens (`sim.compiled.agenda`). `subject`: to which session, request or replica."""

BUCKET = np.dtype([("first", np.int32), ("count", np.int32)])
"""Sessions that send within one time. `first`: one of them, or -1. `count`: how many they are."""

PROGRESS = np.dtype(
    [
        ("now_s", np.float64),
        ("subject", np.int64),
        ("settled_s", np.float64),
        ("due_s", np.float64),
        ("heap", np.int64),
        ("numbers", np.int64),
        ("bucket", np.int64),
        ("requests", np.int64),
        ("timed", np.int64),
        ("works", np.int64),
        ("served", np.int64),
        ("waiting", np.int64),
        ("first_waiting", np.int64),
        ("last_waiting", np.int64),
        ("arriving", np.int64),
        ("first_arriving", np.int64),
        ("last_arriving", np.int64),
        ("begun", np.int64),
        ("finished", np.int64),
        ("free", np.int64),
        ("events", np.int64),
    ],
    align=True,
)
"""How far the loop is. `subject`: which session, request or replica the present event is about.
`settled_s`, `due_s`: of the last settlement that was scheduled for its own
instant, and for later. `heap`, `requests`, `works`, `served`: how many there are. `numbers`: events
scheduled. `bucket`: the next one that is not in the heap yet. `timed`: requests whose timeout need
not be looked at any more. `waiting`, `arriving`: requests in the queue, and those of this instant
that are not there yet. `begun`, `finished`: sessions that have. `free`: places for sessions that
nobody is in. `events`: that have happened."""


# Tables that belong together stand in groups, and functions take rows of them where they can.


class Fleet(NamedTuple):
    """All devices, in session or not.

    Attributes:
        order: int32, shape [devices]; the devices by the start of their sessions.
        start_s: float64, shape [devices].
        steps: int64, shape [devices]; how many each lives through.
        asking: int32, shape [devices]; its row in `Windows.next_asking`.
        first_upload: int32, shape [devices]; interactions that the cloud does not know at step 0.
        hardware: int8, shape [devices]; what kind of phone it is.
        scoring_s: float64, shape [kinds of phones].
        up_bps, down_bps: float64, shape [devices].
        think_s: float64, shape [devices, T - 1].
        up_factor, down_factor: float64, shape [devices, T]; on the latency; empty without jitter.
        shown: `SHOWN`, shape [devices, T]; what they have left behind at the end of their sessions.
    """

    order: NDArray[np.int32]
    start_s: NDArray[np.float64]
    steps: NDArray[np.int64]
    asking: NDArray[np.int32]
    first_upload: NDArray[np.int32]
    hardware: NDArray[np.int8]
    scoring_s: NDArray[np.float64]
    up_bps: NDArray[np.float64]
    down_bps: NDArray[np.float64]
    think_s: NDArray[np.float64]
    up_factor: NDArray[np.float64]
    down_factor: NDArray[np.float64]
    shown: Rows


class Windows(NamedTuple):
    """What devices in session show, and when they ask.

    Attributes:
        shown: `SHOWN`, shape [places, T].
        think_s: float64, shape [places, T - 1].
        next_asking: int16, shape [rows, cells]; as in `sim.compiled.asking.NextAsking`.
        cell_offset: int64, shape [T + 2]; as in the outcome table.
    """

    shown: Rows
    think_s: NDArray[np.float64]
    next_asking: NDArray[np.int16]
    cell_offset: NDArray[np.int64]


class Agenda(NamedTuple):
    """Events to come.

    Attributes:
        heap: `EVENT`, a binary heap, with room for more.
        buckets: `BUCKET`.
    """

    heap: Rows
    buckets: Rows


class Station(NamedTuple):
    """What the cloud does.

    Attributes:
        works: `WORK`, in the order in which they began, with room for one for each request.
        served: int32; requests in the order in which their service began, with room for all.
        working: int32, shape [replicas]: what each works on, a position in `works`; -1: nothing.
        batch_s: float64, shape [batch size + 1]; service time by the number of requests.
    """

    works: Rows
    served: NDArray[np.int32]
    working: NDArray[np.int32]
    batch_s: NDArray[np.float64]


class State(NamedTuple):
    """Everything that the loop works on.

    Attributes:
        rules: `RULES`, shape [1].
        at: `PROGRESS`, shape [1].
        fleet: all devices.
        sessions: `SESSION`, shape [places].
        requests: `REQUEST`, in the order of sending, with room for one at each step.
        up_factor, down_factor: float64, shape [places, T]; those of devices in session.
        unused: int32, shape [places]; the places that nobody is in stand first.
        windows, agenda, station: the rest.
    """

    rules: Rows
    at: Rows
    fleet: Fleet
    sessions: Rows
    requests: Rows
    up_factor: NDArray[np.float64]
    down_factor: NDArray[np.float64]
    unused: NDArray[np.int32]
    windows: Windows
    agenda: Agenda
    station: Station
