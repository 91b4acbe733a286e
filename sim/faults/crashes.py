"""Crashes: a replica stops in the middle of its work and comes back later."""

import heapq
import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from workloads import draws
from workloads.settings import Settings

Work = Literal["retried", "lost"]


class Crash(Settings):
    """One replica stops at `at_s`. A replica that is not up then is not hit.

    What waits in a queue goes on waiting; only what the replica was working on is concerned.
    """

    at_s: FiniteFloat = Field(ge=0)
    """When, in simulated time. Work that ends at this very time is finished."""
    replica: int = Field(default=0, ge=0)
    """Which replica, from 0."""
    down_s: float = Field(default=60.0, gt=0)
    """How long until it serves again; `.inf` never does."""
    work: Work = "retried"
    """What it was working on. `retried`: goes back to the head of its queue. `lost`: is answered
    with a failure."""


class RandomCrashes(Settings):
    """Replicas that crash by chance, each on its own.

    The time from coming up to the next crash and the time down are exponential, so that a replica
    is up for the share mean_time_between_s / (mean_time_between_s + mean_down_s) of the time: an
    alternating renewal process (Ross, Introduction to Probability Models, chapter "Renewal Theory
    and Its Applications"). A replica that is switched off is not hit, and its draws are spent all
    the same.
    """

    mean_time_between_s: float = Field(default=math.inf, ge=1)
    """Mean time from coming up to the next crash, at least 1, as each crash is an event of its own;
    `.inf` never crashes."""
    mean_down_s: FiniteFloat = Field(default=60.0, gt=0)
    """Mean time until a crashed replica serves again."""
    work: Work = "retried"
    """What a crashed replica was working on: as in `crashes`."""

    def crashes(self, seed: int, replicas: int) -> Iterator[Crash]:
        """Draw the crashes of `replicas` replicas, in the order of time, without an end.

        Draws are keyed by (seed, purpose, replica, how manyth crash of it), so that another replica
        changes no crash of the others.
        """
        if math.isinf(self.mean_time_between_s):
            return
        lives = _Lives(self, seed, replicas)
        coming = [(lives.up_s(replica, 0), replica, 0) for replica in range(replicas)]
        heapq.heapify(coming)
        while coming:
            at_s, replica, number = heapq.heappop(coming)
            down_s = lives.down_s(replica, number)
            yield Crash(at_s=at_s, replica=replica, down_s=down_s, work=self.work)
            next_s = at_s + down_s + lives.up_s(replica, number + 1)
            heapq.heappush(coming, (next_s, replica, number + 1))


class _Lives:
    """The times up and down of all replicas, drawn crash by crash for all of them together."""

    def __init__(self, settings: RandomCrashes, seed: int, replicas: int) -> None:
        self._settings, self._seed, self._replicas = settings, seed, replicas
        self._up_s: list[NDArray[np.float64]] = []
        self._down_s: list[NDArray[np.float64]] = []

    def up_s(self, replica: int, number: int) -> float:
        """Time from coming up to the `number`-th crash."""
        if number == len(self._up_s):
            self._up_s.append(self._exponential("crash", number))
        return float(self._settings.mean_time_between_s * self._up_s[number][replica])

    def down_s(self, replica: int, number: int) -> float:
        """Time down after the `number`-th crash."""
        if number == len(self._down_s):
            self._down_s.append(self._exponential("time down", number))
        return float(self._settings.mean_down_s * self._down_s[number][replica])

    def _exponential(self, purpose: str, number: int) -> NDArray[np.float64]:
        """Return a draw of mean 1 for each replica, by inversion."""
        drawn: NDArray[np.float64] = -np.log(
            draws.uniform(self._seed, purpose, number, self._replicas)
        )
        return drawn
