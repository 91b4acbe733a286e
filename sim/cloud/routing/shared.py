"""One queue for all: whichever replica is free first takes from it."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from .routing import ReplicaLoad, Routing


class Shared(Routing):
    """All replicas draw from one queue; no other routing leaves a replica idle less often."""

    kind: Literal["shared"] = "shared"

    one_queue: ClassVar[bool] = True

    def choose(self, serving: Sequence[ReplicaLoad], last: int) -> int:  # noqa: ARG002
        """Return the first: with one queue it makes no difference."""
        return serving[0].number
