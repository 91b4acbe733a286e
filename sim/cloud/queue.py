"""The queue in front of replicas: bounded, and in a fixed order."""

import heapq

from sim.request import Attempt


class AttemptQueue:
    """Waiting attempts, first come first served; those of one instant in the order of devices.

    An attempt that comes back, because the replica that worked on it failed, is as old as it was
    and so goes to the head.

    Args:
        limit: most attempts that wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[tuple[float, int, int, Attempt]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether it takes nobody else."""
        return len(self._waiting) >= self._limit

    @property
    def oldest_arrival_s(self) -> float:
        """Since when the longest waiting attempt has waited; it must not be empty."""
        return self._waiting[0][0]

    def put(self, attempt: Attempt) -> None:
        """Let an attempt wait, also where the queue is full: who asks first is the caller."""
        entry = (attempt.arrived_cloud_s, attempt.device, attempt.number, attempt)
        heapq.heappush(self._waiting, entry)

    def take(self, most: int) -> list[Attempt]:
        """Remove and return the first `most` attempts, fewer where fewer wait."""
        count = min(most, len(self._waiting))
        return [heapq.heappop(self._waiting)[-1] for _ in range(count)]

    def clear(self) -> list[Attempt]:
        """Remove and return all attempts, in their order."""
        return self.take(len(self._waiting))
