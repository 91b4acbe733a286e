"""A station, as queueing theory calls it: one queue and the replicas that pull from it."""

from bisect import bisect_left, insort
from collections.abc import Callable
from operator import add, attrgetter

from sim.client.request import Attempt
from sim.clock import Clock
from sim.cloud.batching.replica import Replica
from sim.cloud.queue import AttemptQueue
from sim.cloud.settings import CloudSettings

_number = attrgetter("number")


def _nothing(_: Replica) -> None:
    """Do nothing about a replica that has stopped."""


class Station:
    """One queue and its replicas, which are asked in the order of their numbers.

    Everything is decided at settlements, which the front holds once all arrivals of an instant are
    there: it lets the station `receive` them and then calls `serve`.

    Args:
        clock: simulated time.
        settings: of the queue, batching and service times.
        answer: called with each attempt when its `answer` is there.
        settle_at: called with a time at which the front shall hold a settlement for this station.
        seed: of the service times' draws.
        dropped: called with each attempt that is dropped because its device has given up.
    """

    def __init__(
        self,
        clock: Clock,
        settings: CloudSettings,
        answer: Callable[[Attempt], None],
        settle_at: Callable[[float], None],
        seed: int = 0,
        dropped: Callable[[Attempt], None] | None = None,
    ) -> None:
        self.clock = clock
        self.settings = settings
        self.answer = answer
        self.settle_at = settle_at
        self.seed = seed
        self.queue = AttemptQueue(
            settings.queue_limit, settings.order, settings.drop_expired, dropped
        )
        self.replicas: list[Replica] = []
        self._takers: list[Replica] = []

    def add(
        self,
        number: int,
        end_s: Callable[[float, float], float] = add,
        stopped: Callable[[Replica], None] = _nothing,
    ) -> Replica:
        """Add a replica, which is off until it is told to start.

        Args:
            number: which one.
            end_s: when work is done that begins at a time and takes so many seconds at full speed;
                the default is full speed.
            stopped: called when the replica has done what it had to do before it stops.
        """
        replica = self.settings.batching.replica(number, self, end_s, stopped)
        insort(self.replicas, replica, key=_number)
        return replica

    def receive(self, attempt: Attempt) -> bool:
        """Queue an attempt; False: the queue is full, even after replicas took what they can."""
        if self.queue.full:
            self.serve()
            if self.queue.full:
                return False
        self._queue(attempt)
        return True

    def put_back(self, attempt: Attempt) -> None:
        """Queue an attempt that was taken before, whether or not the queue is full."""
        self._queue(attempt)
        self.settle_at(self.clock.now)

    def _queue(self, attempt: Attempt) -> None:
        attempt.queued_s = self.clock.now
        self.queue.put(attempt)

    def serve(self) -> None:
        """Let replicas take what is due, until none of them can take anything more."""
        position = 0
        while position < len(self._takers) and self.queue:
            due_s = self.settings.batching.due_s(self.queue)
            if self.clock.now < due_s:
                self.settle_at(due_s)
                return
            taker = self._takers[position]
            if taker.take():
                position = 0  # one that could not take the first may be able to take the next
            elif position < len(self._takers) and self._takers[position] is taker:
                position += 1

    def offer(self, taker: Replica) -> None:
        """Ask a replica from now on when something is due; harmless where it is asked anyway."""
        position = bisect_left(self._takers, taker.number, key=_number)
        if position == len(self._takers) or self._takers[position] is not taker:
            self._takers.insert(position, taker)

    def withdraw(self, taker: Replica) -> None:
        """Ask a replica no more; harmless where it is not asked."""
        position = bisect_left(self._takers, taker.number, key=_number)
        if position < len(self._takers) and self._takers[position] is taker:
            self._takers.pop(position)
