"""Random service times, as queueing theory has them."""

from collections.abc import Callable
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, model_validator
from scipy.special import gammaincinv, ndtri

from workloads import draws
from workloads.settings import invalid

from .service_time import ServiceTime

_FIRST_BLOCK = 256


class RandomServiceTime(ServiceTime):
    """A service time drawn anew for each batch, independent of all others.

    Its mean is mean_s + mean_s_per_request x batch size, its standard deviation that times the
    coefficient of variation. With batches of one request and `exponential`, `deterministic` and any
    of them the cloud is an M/M/c, M/D/c and M/G/c station if requests arrive at random.

    The draw of a batch belongs to (seed, replica, how manyth batch of that replica) and is turned
    into a time by inversion.
    """

    kind: Literal["random"] = "random"
    distribution: Literal["exponential", "deterministic", "lognormal", "gamma"] = "exponential"
    """Of the time of a batch. `gamma` with a coefficient of 1 / sqrt(k) is Erlang's of k phases."""
    mean_s: FiniteFloat = Field(default=0.5, ge=0)
    """Mean time of a batch, s."""
    mean_s_per_request: FiniteFloat = Field(default=0.0, ge=0)
    """Further mean time for each request in the batch, s."""
    coefficient_of_variation: FiniteFloat | None = Field(default=None, gt=0)
    """Standard deviation / mean of `lognormal` and `gamma`; null: 1. An exponential time has 1
    anyway, a deterministic one 0."""

    @model_validator(mode="after")
    def _distribution_has_a_coefficient(self) -> Self:
        if self.coefficient_of_variation is not None and self.distribution in (
            "exponential",
            "deterministic",
        ):
            raise invalid(
                f"is {self.coefficient_of_variation:g}; only lognormal and gamma take one",
                "coefficient_of_variation",
            )
        return self

    @property
    def variation(self) -> float:
        """Standard deviation / mean."""
        if self.distribution == "deterministic":
            return 0.0
        return 1.0 if self.coefficient_of_variation is None else self.coefficient_of_variation

    def batch_s(self, batch_size: int) -> float:
        """Return the mean service time of a batch, s."""
        return self.mean_s + self.mean_s_per_request * batch_size

    def timer(self, seed: int, replica: int) -> Callable[[int], float]:
        """Return what draws the service time of each batch of a replica, one after the other."""
        if self.distribution == "deterministic":
            return self.batch_s
        factors: list[float] = []
        batch = 0

        def batch_s(batch_size: int) -> float:
            nonlocal batch, factors
            if batch == len(factors):
                # The numbers that were there before stay: draws of a stream have a fixed order.
                batches = max(_FIRST_BLOCK, 2 * batch)
                drawn = draws.uniform(seed, "service", replica, batches)
                factors = self.quantile(drawn).tolist()
            batch += 1
            return self.batch_s(batch_size) * factors[batch - 1]

        return batch_s

    def quantile(self, share: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the quantiles of service time / mean: float64, of the shape of `share`."""
        squared = self.variation**2
        factors: NDArray[np.float64]
        if self.distribution == "deterministic":
            factors = np.ones_like(share)
        elif self.distribution == "exponential":
            factors = -np.log1p(-share)
        elif self.distribution == "gamma":
            shape = 1.0 / squared
            factors = gammaincinv(shape, share) / shape
        else:
            variance_of_log = np.log1p(squared)
            factors = np.exp(np.sqrt(variance_of_log) * ndtri(share) - variance_of_log / 2)
        return factors
