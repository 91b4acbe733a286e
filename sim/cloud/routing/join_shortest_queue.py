"""The replica with the shortest queue."""

from collections.abc import Sequence
from typing import Literal

from .routing import ReplicaLoad, Routing


class JoinShortestQueue(Routing):
    """Fewest attempts queued, what is in service not counted; ties go to the lower number.

    Where the customers in service count too, as mostly in queueing theory, it is
    `least_outstanding`.
    """

    kind: Literal["join_shortest_queue"] = "join_shortest_queue"

    def choose(self, serving: Sequence[ReplicaLoad], last: int) -> int:  # noqa: ARG002
        """Return the number of the replica with the shortest queue."""
        return min(serving, key=lambda each: each.waiting).number
