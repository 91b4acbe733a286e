"""One request of a device to the cloud, and the ways in which it can end."""

from dataclasses import dataclass
from enum import IntEnum

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


NEVER_S = float("inf")


@dataclass(slots=True, eq=False)
class Request:
    """A request and its times, which are infinite until they happen.

    Attributes:
        device: who asks.
        step: the replay step at which it asks; the list will know H_step.
        sent_s: when the upload began.
        bytes_up: size of the request.
        ended: happens when the device has the list, a rejection, or gives up.
        reply_s: arrival of the reply or rejection, in time or not.
        ended_s: when `ended` happened.
        served: whether the cloud generated a list (and did not reject).
    """

    device: int
    step: int
    sent_s: float
    bytes_up: int
    ended: Event
    arrived_cloud_s: float = NEVER_S
    service_start_s: float = NEVER_S
    service_end_s: float = NEVER_S
    reply_s: float = NEVER_S
    ended_s: float = NEVER_S
    bytes_down: int = 0
    batch_size: int = 0
    attempts: int = 1
    served: bool = False
    outcome: Outcome = Outcome.IN_FLIGHT
