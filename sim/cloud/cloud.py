"""The cloud in simulated time: one bounded queue, batches, and replicas that serve them."""

from collections import deque
from collections.abc import Callable, Generator

from simpy import Event

from sim.clock import SETTLEMENT, Clock
from sim.cloud.settings import CloudSettings
from sim.request import Answer, Attempt


class Cloud:
    """Serves requests first come, first served, in batches.

    A free replica takes a batch when `batching.size` requests wait or the queue is full, or when
    the oldest has waited `batching.wait_s`. Requests that arrive at the same time queue in the
    order of their devices.

    Args:
        clock: simulated time.
        settings: queue, batching and service times.
        replicas: number of replicas.
        answer: called with each attempt when its `answer` is there.
    """

    def __init__(
        self,
        clock: Clock,
        settings: CloudSettings,
        replicas: int,
        answer: Callable[[Attempt], None],
    ) -> None:
        self._clock = clock
        self._batching = settings.batching
        # A queue that takes nobody else cannot fill its batch any further.
        self._full = min(settings.batching.size, settings.queue_limit)
        self._queue_limit = settings.queue_limit
        self._service_time = settings.service_time
        self._free_replicas = replicas
        self._answer = answer
        self._arriving: list[Attempt] = []
        self._queue: deque[Attempt] = deque()
        self._settlements_s: set[float] = set()

    def submit(self, attempt: Attempt) -> None:
        """Accept an attempt that arrives now; within this instant it is queued or rejected."""
        attempt.arrived_cloud_s = self._clock.now
        self._arriving.append(attempt)
        self._settle_at(self._clock.now)

    def _settle_at(self, time_s: float) -> None:
        if time_s not in self._settlements_s:
            self._settlements_s.add(time_s)
            settlement = self._clock.at(time_s, SETTLEMENT)
            settlement.callbacks = [self._settle]

    def _settle(self, _: Event) -> None:
        """Queue what has arrived and give free replicas their batches."""
        self._settlements_s.discard(self._clock.now)
        arriving, self._arriving = self._arriving, []
        for attempt in sorted(arriving, key=lambda attempt: (attempt.device, attempt.number)):
            if len(self._queue) >= self._queue_limit:
                self._start_batches()
            if len(self._queue) >= self._queue_limit:
                attempt.answer = Answer.REJECTION
                self._answer(attempt)
            else:
                self._queue.append(attempt)
        self._start_batches()

    def _start_batches(self) -> None:
        while self._free_replicas and self._queue:
            due_s = self._queue[0].arrived_cloud_s + self._batching.wait_s
            if len(self._queue) < self._full and self._clock.now < due_s:
                self._settle_at(due_s)
                return
            size = min(self._batching.size, len(self._queue))
            self._free_replicas -= 1
            self._clock.process(self._serve([self._queue.popleft() for _ in range(size)]))

    def _serve(self, batch: list[Attempt]) -> Generator[Event, None, None]:
        """One replica's work on one batch."""
        start_s = self._clock.now
        for attempt in batch:
            attempt.service_start_s = start_s
            attempt.batch_size = len(batch)
        yield self._clock.at(start_s + self._service_time.batch_s(len(batch)))
        self._free_replicas += 1
        self._settle_at(self._clock.now)
        for attempt in batch:
            attempt.service_end_s = self._clock.now
            attempt.answer = Answer.LIST
            self._answer(attempt)
