"""Every request of the fleet, in columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.client.request import NEVER_S, Answer, Outcome, Request


@dataclass(frozen=True)
class RequestRecords:
    """Every request of the fleet in the order of device and step; all arrays have one entry each.

    Times are those of the attempt whose reply ended the request, else of the last one; those that
    never came are infinite. What came after the end of the simulation never came.

    Attributes:
        device, step: int32, int16; who asked, when.
        sent_s, arrived_cloud_s, service_start_s, service_end_s: float64.
        reply_s: float64; arrival of the reply or rejection, even if too late.
        bytes_up, bytes_down: int64; of all attempts.
        batch_size: int32; 0 if never served.
        answer: int8; the reply that arrived, an `Answer`.
        attempts: int16.
        retry_wait_s: float64; how long the device waited between failed attempts and the next ones.
        ended_s: float64; when the device had the list, or gave up.
        outcome: int8; an `Outcome`.
    """

    device: NDArray[np.int32]
    step: NDArray[np.int16]
    sent_s: NDArray[np.float64]
    arrived_cloud_s: NDArray[np.float64]
    service_start_s: NDArray[np.float64]
    service_end_s: NDArray[np.float64]
    reply_s: NDArray[np.float64]
    bytes_up: NDArray[np.int64]
    bytes_down: NDArray[np.int64]
    batch_size: NDArray[np.int32]
    answer: NDArray[np.int8]
    attempts: NDArray[np.int16]
    retry_wait_s: NDArray[np.float64]
    ended_s: NDArray[np.float64]
    outcome: NDArray[np.int8]

    def of_devices(self, first: int, end: int) -> "RequestRecords":
        """Return the requests of the devices first .. end - 1: views that copy nothing."""
        start, stop = np.searchsorted(self.device, (first, end))
        return RequestRecords(**{name: each[start:stop] for name, each in vars(self).items()})

    @property
    def received_s(self) -> NDArray[np.float64]:
        """When the device took the reply or rejection: infinite where it never did."""
        taken = np.zeros(len(Outcome), np.bool_)
        taken[[Outcome.DELIVERED, Outcome.SUPERSEDED, Outcome.REJECTED]] = True
        return np.where(taken[self.outcome], self.reply_s, NEVER_S)

    @classmethod
    def collect(cls, requests: list[Request], horizon_s: float) -> "RequestRecords":
        """Turn finished requests into columns, leaving out what lies after `horizon_s`."""
        ordered = sorted(requests, key=lambda request: (request.device, request.step))
        decisive = [request.decisive for request in ordered]
        service_start_s = _times(decisive, "service_start_s", horizon_s)
        reply_s, ended_s = (
            _times(rows, name, horizon_s)
            for rows, name in ((decisive, "reply_s"), (ordered, "ended_s"))
        )
        outcome = _column(ordered, "outcome", np.int8)
        outcome[ended_s == NEVER_S] = Outcome.IN_FLIGHT
        return cls(
            device=_column(ordered, "device", np.int32),
            step=_column(ordered, "step", np.int16),
            sent_s=_column(ordered, "sent_s", np.float64),
            arrived_cloud_s=_times(decisive, "arrived_cloud_s", horizon_s),
            service_start_s=service_start_s,
            service_end_s=_times(decisive, "service_end_s", horizon_s),
            reply_s=reply_s,
            batch_size=np.where(
                service_start_s <= horizon_s, _column(decisive, "batch_size", np.int32), 0
            ),
            answer=np.where(
                reply_s <= horizon_s, _column(decisive, "answer", np.int8), np.int8(Answer.NOTHING)
            ),
            ended_s=ended_s,
            outcome=outcome,
            **_of_attempts(ordered, horizon_s),
        )


def _of_attempts(requests: list[Request], horizon_s: float) -> dict[str, NDArray[Any]]:
    """Return the columns that add up all attempts of each request, up to the end."""
    attempts = [attempt for request in requests for attempt in request.attempts]
    of = np.repeat(np.arange(len(requests)), [len(request.attempts) for request in requests])
    sent_s = _column(attempts, "sent_s", np.float64)
    sent, answered = sent_s <= horizon_s, _times(attempts, "answered_s", horizon_s) < NEVER_S
    again = sent & (_column(attempts, "number", np.int16) > 0)
    waited_s = sent_s[again] - _column(attempts, "failed_s", np.float64)[np.roll(again, -1)]
    bytes_up, bytes_down = (_column(attempts, f"bytes_{way}", np.int64) for way in ("up", "down"))

    def total(row: NDArray[np.intp], values: NDArray[Any]) -> NDArray[Any]:
        return np.bincount(row, values, minlength=len(requests))

    return {
        "bytes_up": total(of, sent * bytes_up).astype(np.int64),
        "bytes_down": total(of, answered * bytes_down).astype(np.int64),
        "attempts": total(of, sent).astype(np.int16),
        "retry_wait_s": total(of[again], waited_s).astype(np.float64),
    }


def _column(rows: Sequence[object], name: str, dtype: type) -> NDArray[Any]:
    return np.fromiter(map(attrgetter(name), rows), dtype=dtype, count=len(rows))


def _times(rows: Sequence[object], name: str, horizon_s: float) -> NDArray[np.float64]:
    time_s = _column(rows, name, np.float64)
    return np.where(time_s <= horizon_s, time_s, NEVER_S)
