"""Lost packets, and when they are sent again."""

from pydantic import Field, FiniteFloat

from sim.network.message import Direction, Message
from workloads import draws
from workloads.settings import Settings


class LossSettings(Settings):
    """Loss of packets, independent of one another, with retransmission after a timeout.

    Messages of one or two packets give a sender no three duplicate acknowledgements, so a loss is
    found by the retransmission timeout alone, after the manner of RFC 6298: 1 s at first (2.1),
    doubled every time (5.5), at most 60 s. The time runs from the last byte sent.

    Every message begins with the initial timeout: no round-trip times are measured from which a
    connection that lasts would compute its own (2.2 and 2.3), which on a fast network would be the
    least one of 1 s, too (2.4), and on a slow one longer.

    Lost are whole packets, each with the same probability whatever its size. Which ones is not
    drawn: they count as full ones, and the last, shorter one shows only where all are lost.
    """

    probability: FiniteFloat = Field(default=0.0, ge=0, lt=1)
    """Share of packets that are lost, each way."""
    initial_timeout_s: FiniteFloat = Field(default=1.0, gt=0)
    """Retransmission timeout of the first loss."""
    largest_timeout_s: FiniteFloat = Field(default=60.0, gt=0)
    """Bound of the doubled timeouts. RFC 6298 (2.5) wants one of at least 60 s, if any: with less
    this is another protocol's timer, such as an application's own."""

    def timeout_s(self, transmission: int) -> float:
        """Return how long the sender waits after transmission 0, 1, ... of what is missing."""
        return min(self.initial_timeout_s * 2.0**transmission, self.largest_timeout_s)

    def lost_packets(
        self, seed: int, direction: Direction, message: Message, transmission: int, packets: int
    ) -> int:
        """Return how many of the packets sent in a transmission are lost: a binomial number."""
        if not self.probability:
            return 0
        # Here, because it takes longer to load than all the rest of the simulation.
        from scipy.stats import binom

        sort = "push" if message.carries_parameters else direction.name.lower()
        purpose = f"network loss {sort} {message.number} {transmission}"
        uniform = draws.uniform_one(seed, purpose, message.step, message.device)
        return int(binom.ppf(uniform, packets, self.probability))
