"""Where the bytes are at the end: sent, received, lost, or still under way."""

from dataclasses import dataclass

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
    def of(cls, transfers: Transfers, horizon_s: float) -> "Flow":
        """Count the bytes of transfers at a time."""
        sent = transfers.where(transfers.sent_s <= horizon_s)
        kept_bytes = sent.wire_bytes - sent.lost_bytes
        sent_bytes = int(sent.wire_bytes.sum())
        received_bytes = int(kept_bytes[sent.arrived_s <= horizon_s].sum())
        lost_bytes = int(sent.lost_bytes[sent.end_s <= horizon_s].sum())
        return cls(
            sent_bytes=sent_bytes,
            received_bytes=received_bytes,
            lost_bytes=lost_bytes,
            in_flight_bytes=sent_bytes - received_bytes - lost_bytes,
            retransmitted_bytes=int(sent.wire_bytes[sent.transmission > 0].sum()),
        )


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
        up = transfers.direction == Direction.UP
        return cls(
            up=Flow.of(transfers.where(up), horizon_s),
            down=Flow.of(transfers.where(~up), horizon_s),
        )
