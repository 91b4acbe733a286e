"""The replica with the shortest queue."""

from collections.abc import Sequence
from typing import Literal

from .routing import ReplicaLoad, Routing


class JoinShortestQueue(Routing):
    """Fewest attempts queued, of those fewest in service; ties go to the lower number.

    Where a replica serves one attempt at a time, nobody waits at an idle one, and this is the order
    of queue lengths in queueing theory, which include who is in service (Winston, Optimality of the
    shortest line discipline, Journal of Applied Probability 14, 1977). Batches make a difference:
    what is in service, however many, only settles ties. Where those in service shall count like
    those that wait, it is `least_outstanding`.
    """

    kind: Literal["join_shortest_queue"] = "join_shortest_queue"

    def choose(self, serving: Sequence[ReplicaLoad], last: int) -> int:  # noqa: ARG002
        """Return the number of the replica with the shortest queue."""
        return min(serving, key=lambda each: (each.waiting, each.in_service)).number
