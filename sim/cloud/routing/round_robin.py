"""Every replica in turn, whatever its load."""

from collections.abc import Sequence
from typing import Literal

from .routing import ReplicaLoad, Routing


class RoundRobin(Routing):
    """The next replica in the order of numbers that serves; after the last comes the first."""

    kind: Literal["round_robin"] = "round_robin"

    def choose(self, serving: Sequence[ReplicaLoad], last: int) -> int:
        """Return the first number above the last one chosen, else the lowest."""
        return next((each.number for each in serving if each.number > last), serving[0].number)
