"""One request of a device to the cloud, its attempts, and the ways in which it can end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar

from simpy import Event


class Outcome(IntEnum):
    """How a request ended; every request has exactly one outcome."""

    DELIVERED = 0
    """The list arrived in time and was used."""
    TIMED_OUT = 1
    """The device gave up after `timeout_s`."""
    REJECTED = 2
    """The cloud's queue was full."""
    LOST = 3
    """All attempts failed."""
    SUPERSEDED = 4
    """The list arrived in time, but the window ended before it was used."""
    IN_FLIGHT = 5
    """Unanswered when the simulation ended."""


class Answer(IntEnum):
    """What the cloud replies to an attempt."""

    NOTHING = 0
    """It has not replied, or never does."""
    LIST = 1
    """A fresh candidate list."""
    REJECTION = 2
    """The queue is full."""
    FAILURE = 3
    """The replica that worked on it failed, or the cloud is out of service."""


NEVER_S = float("inf")


@dataclass(slots=True, eq=False)
class Request:
    """A request, from the decision to ask until its end.

    Attributes:
        device: who asks.
        step: the replay step at which it asks; the list will know H_step.
        sent_s: when the upload of its first attempt began.
        bytes_up: size of each attempt's upload.
        ended: happens when the device has the list, a rejection, or gives up.
        expires_s: when the device gives up.
        history_interactions: how many interactions H_step has.
        list_age_steps: age of the list that the device holds.
        can_retry: asked with the request and the time, tells whether the device can send it again
            then; None where it always can.
        attempts: in the order of sending; attempts of one request can be under way together.
        ended_s: when `ended` happened; infinite until then.
        outcome: how it ended.
        ended_by: the attempt whose reply ended it, if one did.
    """

    device: int
    step: int
    sent_s: float
    bytes_up: int
    ended: Event
    expires_s: float = NEVER_S
    history_interactions: int = 0
    list_age_steps: int = 0
    can_retry: "Callable[[Request, float], bool] | None" = None
    attempts: "list[Attempt]" = field(default_factory=list)
    ended_s: float = NEVER_S
    outcome: Outcome = Outcome.IN_FLIGHT
    ended_by: "Attempt | None" = None

    @property
    def decisive(self) -> "Attempt":
        """The attempt whose reply ended the request, else the last one."""
        return self.ended_by or self.attempts[-1]

    def end(self, outcome: Outcome, now_s: float, ended_by: "Attempt | None" = None) -> None:
        """Tell the device how its request ended."""
        self.outcome, self.ended_s, self.ended_by = outcome, now_s, ended_by
        self.ended.succeed()


@dataclass(slots=True, eq=False)
class Attempt:
    """One journey of a request to the cloud and back; its times are infinite until they happen.

    Attributes:
        request: what it is an attempt of.
        device, step: those of the request.
        number: 0 for the first.
        sent_s: when its upload began.
        bytes_up: size of its upload; 0 where there was no network to send it into.
        arrived_cloud_s: when its last byte had arrived in the cloud.
        queued_s: since when it waits in the cloud's queue, or waited; a crash can send it back.
        taken_in: whether the cloud queued it then, and so knows what it brought.
        service_start_s, service_end_s: when a replica worked on it (the last one that did).
        answered_s: when the cloud sent its reply.
        reply_s: arrival of the reply, whatever it is, in time or not.
        failed_s: when the device took it as failed.
        bytes_down: size of the reply.
        batch_size: requests served together; 0 if never served.
        answer: what the cloud replied.
    """

    carries_parameters: ClassVar[bool] = False

    request: Request
    device: int
    step: int
    number: int
    sent_s: float
    bytes_up: int = 0
    arrived_cloud_s: float = NEVER_S
    queued_s: float = NEVER_S
    taken_in: bool = False
    service_start_s: float = NEVER_S
    service_end_s: float = NEVER_S
    answered_s: float = NEVER_S
    reply_s: float = NEVER_S
    failed_s: float = NEVER_S
    bytes_down: int = 0
    batch_size: int = 0
    answer: Answer = Answer.NOTHING

    @classmethod
    def of(cls, request: Request, now_s: float) -> "Attempt":
        """Begin the next attempt of a request."""
        number = len(request.attempts)
        attempt = cls(request, request.device, request.step, number, now_s, request.bytes_up)
        request.attempts.append(attempt)
        return attempt
