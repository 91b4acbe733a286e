"""How bytes cross a device's link: alone, or among those of others."""

from typing import Protocol, runtime_checkable

from simpy import Event

from sim.clock import Clock
from sim.network.message import Direction


class Coverage(Protocol):
    """What every medium tells."""

    def covered(self, device: int, time_s: float) -> bool:
        """Tell whether the device has a network at that time."""
        ...


class Medium(Coverage, Protocol):
    """A link that nobody shares: when bytes have crossed is known as soon as they begin.

    Attributes:
        in_order: messages of a device that cross the same way queue up inside it, so transfers have
            to begin in the order of times; otherwise each waits for its turn before it begins.
    """

    in_order: bool

    def end_s(self, direction: Direction, device: int, start_s: float, wire_bytes: int) -> float:
        """Return when the last of the bytes that begin at `start_s` has crossed."""
        ...


@runtime_checkable
class InterruptibleMedium(Medium, Protocol):
    """A link on which a transfer can be cut and go on later, perhaps by another radio."""

    def end_s(self, direction: Direction, device: int, start_s: float, wire_bytes: float) -> float:
        """Return when the last of the bytes has crossed, if nothing changes from `start_s` on."""
        ...

    def crossed_bytes(
        self, direction: Direction, device: int, start_s: float, end_s: float
    ) -> float:
        """Return how many bytes can cross in a time in which nothing changes."""
        ...


@runtime_checkable
class SharedMedium(Coverage, Protocol):
    """A link whose speed depends on who else uses it, now and later."""

    def begin(
        self,
        clock: Clock,
        direction: Direction,
        device: int,
        wire_bytes: int,
        crossed: Event,
    ) -> None:
        """Let bytes begin to cross now.

        `crossed` succeeds with its own time when the last one has; or with infinity, as soon as it
        is sure that it never will.
        """
        ...
