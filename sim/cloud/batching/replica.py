"""One replica of the LLM: what it can be told, and what it leaves behind."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from sim.client.request import Answer, Attempt

if TYPE_CHECKING:
    from sim.cloud.station import Station


class Work(NamedTuple):
    """A time in which a replica was busy: one batch, or iterations of one and the same batch.

    Attributes:
        start_s, end_s: when; a crash ends it early.
        requests: served together.
        prompt_tokens: tokens of the prompts that were read.
        cached_tokens: those of them that the prefix cache knew.
        waited_s: how long each of those whose service began with it had been in the queue.
    """

    start_s: float
    end_s: float
    requests: int
    prompt_tokens: int = 0
    cached_tokens: int = 0
    waited_s: tuple[float, ...] = ()


class Replica:
    """Pulls attempts from its station's queue and answers them; a subclass says how.

    It is off at first. It changes nothing but the attempts that it serves, and never touches those
    that wait.

    Attributes:
        number: which one.
        works: what it was busy with, in the order of time; what is under way is not there yet.

    Args:
        number: which one.
        station: where it takes attempts from.
        end_s: when work is done that begins at a time and takes so many seconds at full speed.
        stopped: called when it has done what it had to do before it stops.
    """

    def __init__(
        self,
        number: int,
        station: "Station",
        end_s: Callable[[float, float], float],
        stopped: Callable[["Replica"], None],
    ) -> None:
        self.number = number
        self.works: list[Work] = []
        self._station = station
        self._clock = station.clock
        self._end_s = end_s
        self._stopped = stopped
        self._on = False
        self._stopping = False
        self._drains_queue = False

    @property
    def on(self) -> bool:
        """Whether it takes work, or finishes what it has."""
        return self._on

    @property
    def in_service(self) -> int:
        """How many attempts it is working on."""
        raise NotImplementedError

    @property
    def busy_since_s(self) -> float:
        """When the work began that is under way; infinite if it is idle."""
        raise NotImplementedError

    def start(self) -> None:
        """Take work from now on."""
        self._on, self._stopping = True, False
        self._station.offer(self)
        self._look()

    def stop(self, drain_queue: bool = False) -> None:
        """Switch off as soon as the present work is done, with `drain_queue` the queue's too."""
        self._stopping, self._drains_queue = True, drain_queue
        if not drain_queue:
            self._station.withdraw(self)
        self._rest()

    def crash(self) -> list[Attempt]:
        """Switch off at once, and return the attempts that were being worked on, unanswered.

        Work that ends at this very time is finished if its end was settled before.
        """
        self._on = self._stopping = False
        self._station.withdraw(self)
        return self._abandon()

    def take(self) -> bool:
        """Take from the queue what can be taken now; tell whether anything left the queue."""
        raise NotImplementedError

    def _abandon(self) -> list[Attempt]:
        """Drop the work under way and return its attempts."""
        raise NotImplementedError

    def _available(self) -> None:
        """Be asked for more work, unless it is stopping."""
        if not self._stopping or self._drains_queue:
            self._station.offer(self)
            self._look()

    def _look(self) -> None:
        if self._station.queue:
            self._station.settle_at(self._clock.now)

    def _rest(self) -> None:
        """Switch off if it is to stop and nothing is left to do."""
        if self._stopping and not self.in_service:
            if self._drains_queue and self._station.queue:
                return
            self._station.withdraw(self)
            self._on = self._stopping = False
            self._stopped(self)

    @staticmethod
    def _waited_s(taken: Iterable[Attempt]) -> tuple[float, ...]:
        """Return how long those who were taken had been in the queue."""
        return tuple(attempt.service_start_s - attempt.queued_s for attempt in taken)

    def _answer(self, attempt: Attempt) -> None:
        attempt.service_end_s = self._clock.now
        attempt.answer = Answer.LIST
        self._station.answer(attempt)
