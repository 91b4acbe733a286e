"""What routing is, and what it knows of the replicas."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from workloads.settings import Settings


class ReplicaLoad(Protocol):
    """What a router sees of one replica."""

    @property
    def number(self) -> int:
        """Which replica, from 0."""
        ...

    @property
    def waiting(self) -> int:
        """Attempts in its queue."""
        ...

    @property
    def in_service(self) -> int:
        """Attempts that it is working on."""
        ...


class Routing(Settings):
    """Chooses the replica whose queue an attempt joins. A subclass gives a `kind`.

    It holds no state: what it chose last is told to it.
    """

    one_queue: ClassVar[bool] = False
    """Whether all replicas draw from one queue, so that there is nothing to choose."""

    def choose(self, serving: Sequence[ReplicaLoad], last: int) -> int:
        """Return the number of the replica to which an attempt goes.

        Args:
            serving: the replicas that serve, at least one, in the order of their numbers. Those
                that are down, starting, stopping or switched off are not among them.
            last: the number that was chosen last; -1 at first.
        """
        raise NotImplementedError
