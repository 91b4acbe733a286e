"""The device compares its own model with itself: has its order of the held list changed?"""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import PolicyView
from .threshold import Quantile, ThresholdPolicy


class InterestDrift(ThresholdPolicy):
    """Asks when the SRM orders the held list too differently from how it did at the list's basis.

    Consistency holds the SRM against the LLM, so it measures how unlike the two models are together
    with how far the user has moved on. Here the SRM is held against itself, which leaves only the
    latter. Both orders are of the items that are left, compared by the footrule.
    """

    asks_where: ClassVar[Literal["below", "above"]] = "above"

    kind: Literal["interest_drift"] = "interest_drift"
    threshold: Annotated[float, Field(ge=0, le=1)] | Quantile | None = None
    """Ask when 1 - (agreement of both orders) exceeds this: a number, or `{quantile: q}` of the
    calibrating users' drifts."""

    @property
    def signals(self) -> tuple[str, ...]:
        """The SRM's agreement with itself."""
        return ("self_consistency",)

    def measured(self, view: PolicyView) -> NDArray[Any]:
        """Return the drift."""
        return np.asarray(np.float32(1) - view.signals["self_consistency"])
