"""Timeouts of many things that are given up after the same time."""

from collections import deque
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from simpy import Event

from sim.clock import TIMEOUT, Clock

Waiting = TypeVar("Waiting")


class Timeouts(Generic[Waiting]):
    """Gives up what waits too long.

    All have the same patience, so they time out in the order in which they began to wait, and one
    process that sleeps until the oldest one's deadline stands for one timer each.

    Args:
        clock: simulated time.
        waits: tells whether something still waits.
        give_up: called with what still waits at its deadline.
    """

    def __init__(
        self, clock: Clock, waits: Callable[[Waiting], bool], give_up: Callable[[Waiting], None]
    ) -> None:
        self._clock = clock
        self._waits = waits
        self._give_up = give_up
        self._pending: deque[tuple[float, Waiting]] = deque()
        self._watching = False

    def watch(self, waiting: Waiting, deadline_s: float) -> None:
        """Give something up at its deadline, which is not before that of what came before."""
        self._pending.append((deadline_s, waiting))
        if not self._watching:
            self._watching = True
            self._clock.process(self._watch())

    def _watch(self) -> Generator[Event, None, None]:
        while self._pending:
            deadline_s, oldest = self._pending[0]
            if self._waits(oldest):
                if self._clock.now < deadline_s:
                    yield self._clock.at(deadline_s, TIMEOUT)
                    continue
                self._give_up(oldest)
            self._pending.popleft()
        self._watching = False
