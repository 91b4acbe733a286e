"""The bound that no device can reach: requests chosen by whoever knows what is to come."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import PolicyView
from .tunable import TunablePolicy


class HindsightBound(TunablePolicy):
    """Asks at the steps that bring the most NDCG@10 less a price for each request, in hindsight.

    One price for all devices (`sim.policies.hindsight_plan`). It knows what every list would have
    shown, luck included, and which users it serves: it bounds policies and is none. It counts on
    lists that arrive at once, so it is a bound in worlds without delay only.
    """

    parameter: ClassVar[str] = "request_price"
    is_bound: ClassVar[bool] = True

    kind: Literal["hindsight"] = "hindsight"
    request_price: float | None = Field(default=None, ge=-math.inf)
    """What a request has to bring, summed over all steps that it serves, in NDCG@10."""

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Refuse: what it asks for stands in a plan of each device, made beforehand."""
        del view
        raise ValueError("hindsight is to be planned first")
