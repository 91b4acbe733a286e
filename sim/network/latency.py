"""One-way latencies, which vary from message to message."""

from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, model_validator

from sim.network.message import Direction, Message
from workloads import draws
from workloads.settings import Settings, invalid


class Jitter(Settings):
    """Random variation of the one-way latency from message to message."""

    distribution: Literal["none", "lognormal"] = "none"
    """`lognormal` keeps the mean: latency x exp(sigma z - sigma^2 / 2), z standard normal."""
    sigma: FiniteFloat = Field(default=0.0, ge=0)
    """Standard deviation of the logarithm: above 0 with `lognormal`, 0 with `none`."""

    @model_validator(mode="after")
    def _sigma_belongs_to_lognormal(self) -> Self:
        if (self.distribution == "lognormal") != (self.sigma > 0):
            raise invalid(
                f"is {self.sigma:g} with distribution {self.distribution}; must be above 0 with "
                "lognormal, and 0 with none",
                "sigma",
            )
        return self


class Latency(Protocol):
    """Tells how long a message is under way, its bytes' crossing aside."""

    def one_way_s(self, direction: Direction, message: Message, time_s: float) -> float:
        """Return the latency of a message sent at `time_s`."""
        ...


class JitteredFactors:
    """Factors with mean 1 on the latencies of a fleet's messages.

    Args:
        jitter: their distribution.
        seed, devices, steps: of the draws.
    """

    def __init__(self, jitter: Jitter, seed: int, devices: int, steps: int) -> None:
        self._sigma = jitter.sigma
        self._seed, self._devices, self._steps = seed, devices, steps
        self._tables: dict[tuple[Direction, int], NDArray[np.float64]] = {}
        self._of_pushes: dict[int, NDArray[np.float64]] = {}

    def of(self, direction: Direction, message: Message) -> float:
        """Return the factor of one message."""
        if not self._sigma:
            return 1.0
        if message.carries_parameters:
            return self._of_push(message)
        return float(self.table(direction, message.number)[message.device, message.step])

    def table(self, direction: Direction, number: int = 0) -> NDArray[np.float64]:
        """Return the factors of all first (second, ...) attempts, or of the replies to them.

        Returns:
            float64, shape [devices, steps]; [0, 0] where nothing varies.
        """
        key = direction, number
        if key not in self._tables:
            self._tables[key] = self._drawn(*key) if self._sigma else np.zeros((0, 0))
        return self._tables[key]

    def _of_push(self, message: Message) -> float:
        """Return the factor of one push: of versions, there may be more than steps."""
        version = message.step
        if version not in self._of_pushes:
            push = draws.uniform(self._seed, "network latency push", version, self._devices)
            self._to_factors(push)
            self._of_pushes[version] = push
        return float(self._of_pushes[version][message.device])

    def _drawn(self, direction: Direction, number: int) -> NDArray[np.float64]:
        purpose = f"network latency {direction.name.lower()}" + f" {number}" * (number > 0)
        return draws.table(self._seed, purpose, self._devices, self._steps, self._to_factors)

    def _to_factors(self, drawn: NDArray[np.float64]) -> None:
        """Turn uniform draws into factors, in place."""
        draws.to_standard_normal(drawn)
        drawn *= self._sigma
        drawn -= self._sigma**2 / 2
        np.exp(drawn, out=drawn)


class ConstantLatency:
    """Half a round trip each way, jittered.

    Attributes:
        half_s: half of the round-trip time.
        factors: those of the messages.

    Args:
        rtt_s: round-trip time.
        factors: those of the messages.
    """

    def __init__(self, rtt_s: float, factors: JitteredFactors) -> None:
        self.half_s = rtt_s / 2
        self.factors = factors

    def one_way_s(self, direction: Direction, message: Message, time_s: float) -> float:
        """Return half of the round-trip time x the message's factor, at any time."""
        del time_s
        return self.half_s * self.factors.of(direction, message) if self.half_s else 0.0
