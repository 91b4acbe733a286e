"""The replica with the fewest attempts in its queue and in its hands."""

from collections.abc import Sequence
from typing import Literal

from .routing import ReplicaLoad, Routing


class LeastOutstanding(Routing):
    """Fewest attempts queued and in service; ties go to the lower number.

    It is the least-connections rule of load balancers, which sees what it has sent and not what
    has begun.
    """

    kind: Literal["least_outstanding"] = "least_outstanding"

    def choose(self, serving: Sequence[ReplicaLoad], last: int) -> int:  # noqa: ARG002
        """Return the number of the replica with the fewest attempts."""
        return min(serving, key=lambda each: each.waiting + each.in_service).number
