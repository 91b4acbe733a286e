"""The queue in front of replicas: bounded, in a fixed order, and rid of whom nobody waits for."""

import heapq
import math
from collections.abc import Callable
from typing import Literal

from sim.client.request import Attempt

Order = Literal["arrival", "oldest_list"]
_Arrival = tuple[float, int, int, int]


def _arrival(attempt: Attempt) -> _Arrival:
    """Return what orders attempts by arrival; no two attempts have the same."""
    return attempt.arrived_cloud_s, attempt.device, attempt.number, attempt.step


class AttemptQueue:
    """Waiting attempts: first come first served, or those first whose device holds an older list.

    Attempts of one instant (or of equally old lists: of one arrival) go in the order of devices. An
    attempt that comes back, because the replica that worked on it failed, is as old as it was and
    so goes ahead of later ones. Every operation takes O(log n).

    Args:
        limit: most attempts that wait.
        order: `arrival` or `oldest_list`.
        drop_expired: leave out attempts whose devices have given up when they would be taken. Until
            then they wait like all others and count as such.
        dropped: called with each attempt that is left out, which nobody answers.
    """

    def __init__(
        self,
        limit: int,
        order: Order = "arrival",
        drop_expired: bool = False,
        dropped: Callable[[Attempt], None] | None = None,
    ) -> None:
        self._limit = limit
        self._by_age = order == "oldest_list"
        self._drop_expired = drop_expired
        self._dropped = dropped
        self._waiting: list[tuple[int, _Arrival, Attempt]] = []
        # Only by list age the longest waiting one is not the first: these know it. The heap keeps
        # entries of attempts that have left until they come to its head.
        self._arrivals: list[_Arrival] = []
        self._present: set[_Arrival] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether it takes nobody else."""
        return len(self._waiting) >= self._limit

    @property
    def first(self) -> Attempt:
        """The attempt that is next, expired or not; somebody must wait."""
        return self._waiting[0][2]

    @property
    def first_expires_s(self) -> float:
        """When the first attempt would be left out; infinite if never. Somebody must wait."""
        return self.first.request.expires_s if self._drop_expired else math.inf

    @property
    def oldest_arrival_s(self) -> float:
        """Since when the longest waiting attempt has waited; somebody must wait."""
        if not self._by_age:
            return self._waiting[0][1][0]
        while self._arrivals[0] not in self._present:
            heapq.heappop(self._arrivals)
        return self._arrivals[0][0]

    def put(self, attempt: Attempt) -> None:
        """Let an attempt wait, also where the queue is full: to ask first is up to the caller."""
        arrival = _arrival(attempt)
        older_first = 0
        if self._by_age:
            older_first = -attempt.request.list_age_steps
            self._present.add(arrival)
            heapq.heappush(self._arrivals, arrival)
        heapq.heappush(self._waiting, (older_first, arrival, attempt))

    def expired(self, attempt: Attempt, now_s: float) -> bool:
        """Whether an attempt would be left out, as one for which nobody waits any more."""
        return self._drop_expired and attempt.request.expires_s <= now_s

    def drop_expired(self, now_s: float) -> int:
        """Drop expired attempts until the first has not expired; return how many it were."""
        count = len(self._waiting)
        while self._waiting and self.expired(self.first, now_s):
            self._drop(self._pop())
        return count - len(self._waiting)

    def take(self, most: int, now_s: float) -> list[Attempt]:
        """Remove and return the first `most` attempts, fewer where fewer wait.

        Those that expired on the way are dropped and not counted in `most`.
        """
        taken: list[Attempt] = []
        while self._waiting and len(taken) < most:
            attempt = self._pop()
            if self.expired(attempt, now_s):
                self._drop(attempt)
            else:
                taken.append(attempt)
        return taken

    def clear(self) -> list[Attempt]:
        """Remove and return all attempts, in their order, expired or not."""
        return [self._pop() for _ in range(len(self._waiting))]

    def _pop(self) -> Attempt:
        _, arrival, attempt = heapq.heappop(self._waiting)
        if self._by_age:
            self._present.discard(arrival)
        return attempt

    def _drop(self, attempt: Attempt) -> None:
        if self._dropped is not None:
            self._dropped(attempt)
