"""Static batches: requests start together and are answered together."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, FiniteFloat
from simpy import Event

from sim.client.request import NEVER_S, Attempt
from sim.cloud.batching.batching import Batching
from sim.cloud.batching.replica import Replica, Work
from sim.cloud.prefix_cache import PromptReader
from sim.cloud.queue import AttemptQueue
from sim.cloud.service_time.service_time import NO_PROMPTS, TokenServiceTime

if TYPE_CHECKING:
    from sim.cloud.station import Station


class StaticReplica(Replica):
    """Serves one batch at a time."""

    def __init__(
        self,
        number: int,
        station: "Station",
        end_s: Callable[[float, float], float],
        stopped: Callable[[Replica], None],
    ) -> None:
        super().__init__(number, station, end_s, stopped)
        service_time = station.settings.service_time
        self._size = station.settings.batching.size
        self._batch_s = service_time.timer(station.seed, number)
        self._tokens_s = self._reader = None
        if isinstance(service_time, TokenServiceTime):
            self._reader = PromptReader.of(service_time, station.settings.prefix_cache)
            if service_time.tokens.vary:
                self._tokens_s = service_time.static_batch_s
        self._batch: list[Attempt] = []
        self._prompts = NO_PROMPTS
        self._start_s = NEVER_S
        self._end: Event | None = None

    @property
    def in_service(self) -> int:
        """How many attempts it is working on."""
        return len(self._batch)

    @property
    def busy_since_s(self) -> float:
        """When its batch began; infinite if it is idle."""
        return self._start_s

    def take(self) -> bool:
        """Begin a batch; where all that waited had expired, only they leave the queue."""
        now_s = self._clock.now
        self._batch = self._station.queue.take(self._size, now_s)
        if not self._batch:
            self._rest()
            return True
        self._station.withdraw(self)
        self._start_s = now_s
        for attempt in self._batch:
            attempt.service_start_s = now_s
            attempt.batch_size = len(self._batch)
        self._end = self._clock.at(self._end_s(now_s, self._work_s()))
        self._end.callbacks = [self._finish]
        return True

    def _work_s(self) -> float:
        """Return how long the batch takes at full speed."""
        if self._reader is not None:
            self._prompts = self._reader.prompts(self._batch)
        if self._tokens_s is not None:
            return self._tokens_s(self._prompts)
        return self._batch_s(len(self._batch))

    def _finish(self, end: Event) -> None:
        if end is not self._end:
            return  # of a batch that a crash has ended
        for attempt in self._close():
            if self._reader is not None:
                self._reader.answered(attempt)
            self._answer(attempt)
        self._available()
        self._rest()

    def _close(self) -> list[Attempt]:
        """Write the batch down and return its attempts."""
        batch, self._batch, self._end = self._batch, [], None
        if batch:
            prompts = self._prompts
            self.works.append(
                Work(
                    self._start_s,
                    self._clock.now,
                    len(batch),
                    prompts.whole_tokens,
                    prompts.cached_tokens,
                    self._waited_s(batch),
                )
            )
            self._start_s = NEVER_S
        return batch

    def _abandon(self) -> list[Attempt]:
        if self._reader is not None:
            self._reader.forget()
        return self._close()


class StaticBatching(Batching):
    """A free replica takes a batch when it is full or its oldest request has waited long enough.

    A queue that takes nobody else cannot fill its batch any further, so it counts as full.
    """

    kind: Literal["static"] = "static"
    size: int = Field(default=8, ge=1)
    """Most requests in a batch."""
    wait_s: FiniteFloat = Field(default=0.02, ge=0)
    """A free replica waits this long for the batch to fill, counted from its oldest request."""

    replica: ClassVar[type[Replica]] = StaticReplica

    @property
    def least_together(self) -> int:
        """A full batch: nobody in it waits for the memory of another."""
        return self.size

    def due_s(self, queue: AttemptQueue) -> float:
        """Return when the next batch starts if nobody else arrives and a replica is free."""
        if len(queue) >= self.size or queue.full:
            return -math.inf
        return queue.oldest_arrival_s + self.wait_s
