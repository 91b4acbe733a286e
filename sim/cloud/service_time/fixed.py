"""A service time that is simply given; 0 makes an ideal cloud."""

from typing import Literal

from pydantic import Field, FiniteFloat

from .service_time import ServiceTime


class FixedServiceTime(ServiceTime):
    """`seconds` a batch, plus `seconds_per_request` for each request in it."""

    kind: Literal["fixed"] = "fixed"
    seconds: FiniteFloat = Field(default=0.0, ge=0)
    """Time of a batch, s."""
    seconds_per_request: FiniteFloat = Field(default=0.0, ge=0)
    """Further time for each request in the batch, s."""

    def batch_s(self, batch_size: int) -> float:
        """Return seconds + seconds_per_request x batch size."""
        return self.seconds + self.seconds_per_request * batch_size
