"""Simulated time: a SimPy environment that schedules at exact times and in a fixed order."""

from heapq import heappush
from typing import Any

from simpy import Environment, Event
from simpy.events import EventPriority

# What happens at one and the same time happens in this order, whoever scheduled it first. Replies
# precede decisions ("a reply at exactly the decision time has arrived"), and so does what the cloud
# does with its own copy of the small model, and what is sent again, in the order of devices, at the
# priority RETRY + device; decisions are taken in the order of devices too, at the priority DECISION
# + device; and the cloud forms its batches only after every request of that time is there. What
# breaks or is repaired does so before (an attempt that arrives as an outage begins meets it), and
# autoscaling looks at what has come of it all. Last of all messages join the queue of their
# device's link, where it has one, at the priority LINK_QUEUE + a number of their own.
DELIVERY = 1
TIMEOUT = 2
RETRAINING = 3
RETRY = 4
DECISION = 2**31
FAULT = 2**62 - 1
SETTLEMENT = 2**62
SCALING = 2**62 + 2
LINK_QUEUE = 2**62 + 4

_PAST = "an event at {} s lies before the present, {} s"


class Clock(Environment):
    """A SimPy environment that also schedules at absolute times.

    SimPy schedules after a delay, and `now + delay` may miss the wanted time by a rounding error;
    then two programs that add up the same times in other portions would order events differently.
    """

    def at(self, time_s: float, priority: int = DELIVERY, value: Any = None) -> Event:
        """Return an event that succeeds with `value` at exactly `time_s` (not before now)."""
        if time_s < self._now:
            raise ValueError(_PAST.format(time_s, self._now))
        event = Event(self)
        event._ok = True
        event._value = value
        heappush(self._queue, (time_s, EventPriority(priority), next(self._eid), event))
        return event

    def succeed_at(
        self, time_s: float, event: Event, value: Any = None, priority: int = DELIVERY
    ) -> None:
        """Let an event that was made before succeed with `value` at exactly `time_s`."""
        if time_s < self._now:
            raise ValueError(_PAST.format(time_s, self._now))
        event._ok = True
        event._value = value
        heappush(self._queue, (time_s, EventPriority(priority), next(self._eid), event))

    def count_events(self) -> int:
        """Return how many events have been scheduled; to be called once, at the end."""
        return next(self._eid)
