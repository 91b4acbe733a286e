"""Where the bytes are at the end: sent, received, lost, or still under way."""

from dataclasses import astuple, dataclass

from sim.network.message import Direction
from sim.network.transfers import Transfers


@dataclass(frozen=True)
class Flow:
    """Bytes that travelled one way, headers included.

    Attributes:
        sent_bytes: that left the sender, what was sent again counted again.
        received_bytes: that reached the other side.
        lost_bytes: that never will.
        in_flight_bytes: the rest, which is crossing, waits for coverage, or is under way besides.
        retransmitted_bytes: of those sent, how many replaced lost ones.
    """

    sent_bytes: int
    received_bytes: int
    lost_bytes: int
    in_flight_bytes: int
    retransmitted_bytes: int

    @classmethod
    def of(cls, transfers: Transfers, horizon_s: float, direction: Direction) -> "Flow":
        """Count the bytes of transfers at a time."""
        sent = (transfers.sent_s <= horizon_s) & (transfers.direction == direction)
        received = sent & (transfers.arrived_s <= horizon_s)
        lost = sent & (transfers.end_s <= horizon_s)
        again = sent & (transfers.transmission > 0)
        wire_bytes, lost_bytes = transfers.wire_bytes, transfers.lost_bytes
        sent_total = int(wire_bytes[sent].sum())
        received_total = int(wire_bytes[received].sum() - lost_bytes[received].sum())
        lost_total = int(lost_bytes[lost].sum())
        return cls(
            sent_bytes=sent_total,
            received_bytes=received_total,
            lost_bytes=lost_total,
            in_flight_bytes=sent_total - received_total - lost_total,
            retransmitted_bytes=int(wire_bytes[again].sum()),
        )

    def __add__(self, other: "Flow") -> "Flow":
        """Return the bytes of both."""
        return Flow(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Traffic:
    """The bytes on all devices' links.

    Attributes:
        up, down: each way.
    """

    up: Flow
    down: Flow

    @classmethod
    def of(cls, transfers: Transfers, horizon_s: float) -> "Traffic":
        """Count the bytes of transfers at a time."""
        return cls(
            up=Flow.of(transfers, horizon_s, Direction.UP),
            down=Flow.of(transfers, horizon_s, Direction.DOWN),
        )

    def __add__(self, other: "Traffic") -> "Traffic":
        """Return the bytes of both."""
        return Traffic(up=self.up + other.up, down=self.down + other.down)


NO_TRAFFIC = Traffic(up=Flow(0, 0, 0, 0, 0), down=Flow(0, 0, 0, 0, 0))
