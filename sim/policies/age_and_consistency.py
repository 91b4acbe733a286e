"""The device weighs the age of its list against how well the two models still agree on it."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from .calibration_cells import CalibrationCells
from .consistency import Measure
from .policy import Policy, PolicyView
from .threshold import Quantile, ThresholdPolicy

AGE_ALONE = 100.0
"""A weight of age beside which consistency decides between lists of one age only."""


class AgeAndConsistency(ThresholdPolicy):
    """Asks when `age_weight` x (list age in steps) + 1 - consistency exceeds a threshold."""

    asks_where: ClassVar[Literal["below", "above"]] = "above"

    kind: Literal["age_and_consistency"] = "age_and_consistency"
    threshold: Annotated[float, Field(ge=0)] | Quantile | None = None
    """Ask when the weighted sum exceeds this: a number, or `{quantile: q}` of the calibrating
    users' sums."""
    age_weight: FiniteFloat | None = Field(default=None, ge=0)
    """What a step of age counts for, against a fall of consistency from 1 to 0; null: fitted on the
    calibrating users."""
    measure: Measure = "footrule"
    """How two orders are compared, as in `consistency`."""

    @property
    def signals(self) -> tuple[str, ...]:
        """The measure."""
        return (self.measure,)

    @property
    def is_fitted(self) -> bool:
        """Whether the weight and the threshold are numbers."""
        return self.age_weight is not None and super().is_fitted

    def fitted(self, cells: CalibrationCells) -> Policy:
        """Return the policy with its weight, and then its threshold.

        The gain of a fresh list is regressed on age and 1 - consistency (least squares); the weight
        is the ratio of the two coefficients. Where a coefficient is not above 0, what belongs to it
        tells nothing of a gain: the weight is then 0, or so large that age alone counts.
        """
        if self.age_weight is not None:
            return super().fitted(cells)
        age = cells.view.list_age_steps.astype(np.float64)
        disagreement = 1.0 - cells.view.signals[self.measure].astype(np.float64)
        known = np.stack((np.ones_like(age), age, disagreement), axis=1)
        _, by_age, by_disagreement = np.linalg.lstsq(known, cells.gain, rcond=None)[0]
        weight = AGE_ALONE
        if by_disagreement > 0:
            weight = min(max(float(by_age), 0.0) / float(by_disagreement), AGE_ALONE)
        return self.model_copy(update={"age_weight": weight}).fitted(cells)

    def measured(self, view: PolicyView) -> NDArray[Any]:
        """Return the weighted sum."""
        if self.age_weight is None:
            raise ValueError("age_weight is to be fitted first")
        aged = np.float32(self.age_weight) * view.list_age_steps.astype(np.float32)
        return np.asarray(aged + (np.float32(1) - view.signals[self.measure]), np.float32)

    @property
    def eagerness(self) -> float:
        """Half way is the sum at full disagreement on a list five steps old, as it has no end."""
        return float(self._half_way / (self._half_way + self.own))

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy with the threshold of that eagerness."""
        threshold = np.inf if eagerness == 0 else self._half_way * (1.0 - eagerness) / eagerness
        return self.with_own(threshold)

    @property
    def _half_way(self) -> float:
        return 1.0 + 5.0 * (self.age_weight or 0.0)
