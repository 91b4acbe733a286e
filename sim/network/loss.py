"""Lost packets, and when they are sent again."""

from pydantic import Field, FiniteFloat
from scipy.stats import binom

from sim.network.message import Direction, Message
from workloads import draws
from workloads.settings import Settings


class LossSettings(Settings):
    """Loss of packets, independent of one another, with retransmission after a timeout.

    Messages of one or two packets give a sender no three duplicate acknowledgements, so a loss is
    found by the retransmission timeout alone (RFC 6298): 1 s at first (2.1), doubled every time
    (5.5), at most 60 s (2.5 allows no smaller bound). The time runs from the last byte sent.
    """

    probability: FiniteFloat = Field(default=0.0, ge=0, lt=1)
    """Share of packets that are lost, each way."""
    initial_timeout_s: FiniteFloat = Field(default=1.0, gt=0)
    """Retransmission timeout of the first loss."""
    largest_timeout_s: FiniteFloat = Field(default=60.0, gt=0)
    """Bound of the doubled timeouts."""

    def timeout_s(self, transmission: int) -> float:
        """Return how long the sender waits after transmission 0, 1, ... of what is missing."""
        return min(self.initial_timeout_s * 2.0**transmission, self.largest_timeout_s)

    def lost_packets(
        self, seed: int, direction: Direction, message: Message, transmission: int, packets: int
    ) -> int:
        """Return how many of the packets sent in a transmission are lost: a binomial number."""
        if not self.probability:
            return 0
        sort = "push" if message.carries_parameters else direction.name.lower()
        purpose = f"network loss {sort} {message.number} {transmission}"
        uniform = draws.uniform_one(seed, purpose, message.step, message.device)
        return int(binom.ppf(uniform, packets, self.probability))
