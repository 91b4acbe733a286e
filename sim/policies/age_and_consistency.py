"""The device weighs the age of its list against how well the two models still agree on it."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .consistency import Measure
from .policy import Policy, PolicyView
from .threshold import Quantile, ThresholdPolicy


class AgeAndConsistency(ThresholdPolicy):
    """Asks when `age_weight` x (list age in steps) + 1 - consistency exceeds a threshold."""

    asks_where: ClassVar[Literal["below", "above"]] = "above"

    kind: Literal["age_and_consistency"] = "age_and_consistency"
    threshold: Annotated[float, Field(ge=0)] | Quantile | None = None
    """Ask when the weighted sum exceeds this: a number, or `{quantile: q}` of the calibrating
    users' sums."""
    age_weight: float | None = Field(default=None, ge=0)
    """What a step of age counts for, against a fall of consistency from 1 to 0; null: fitted on the
    calibrating users."""
    measure: Measure = "footrule"
    """How two orders are compared, as in `consistency`."""

    @property
    def signals(self) -> tuple[str, ...]:
        """The measure."""
        return (self.measure,)

    def measured(self, view: PolicyView) -> NDArray[Any]:
        """Return the weighted sum."""
        if self.age_weight is None:
            raise ValueError("age_weight is to be fitted first")
        aged = np.float32(self.age_weight) * view.list_age_steps.astype(np.float32)
        return np.asarray(aged + (np.float32(1) - view.signals[self.measure]), np.float32)

    @property
    def eagerness(self) -> float:
        """1 / (1 + threshold), as the sum has no upper end."""
        return float(1.0 / (1.0 + self.own))

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy with the threshold of that eagerness."""
        return self.with_own(np.inf if eagerness == 0 else (1.0 - eagerness) / eagerness)
