"""Parameters that a device has downloaded, and which of them are in force."""

import numpy as np
from numpy.typing import NDArray
from simpy import Event

from sim.clock import Clock


class Downloads:
    """The parameters that have reached one device, in the order of their arrival.

    Args:
        clock: simulated time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._received_s: list[float] = []
        self._newest: list[int] = []
        self._news: Event | None = None

    def receive(self, version: int) -> None:
        """Take parameters that arrive now; an older version than is there changes nothing."""
        newest = max(version, self._newest[-1]) if self._newest else version
        self._received_s.append(self._clock.now)
        self._newest.append(newest)
        if self._news is not None and not self._news.triggered:
            self._news.succeed()

    def news(self) -> Event:
        """Return an event that happens at the next arrival."""
        self._news = self._clock.event()
        return self._news

    def versions_at(self, decision_s: NDArray[np.float64]) -> NDArray[np.int16]:
        """Return the parameters in force at decisions: what had arrived by then, even just then."""
        arrived = np.searchsorted(self._received_s, decision_s, side="right")
        return np.array([0, *self._newest], np.int16)[arrived]

    def version_at(self, decision_s: float) -> int:
        """Return the parameters in force at one decision."""
        return int(self.versions_at(np.array([decision_s]))[0])

    def first_change(
        self, step: int, decision_s: NDArray[np.float64], shown_s: NDArray[np.float64]
    ) -> int:
        """Return the number of steps: nobody knows when other parameters come."""
        del step, shown_s
        return len(decision_s)
