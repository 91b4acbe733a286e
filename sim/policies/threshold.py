"""Policies that compare a number with a threshold."""

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from workloads.settings import Settings

from .calibration_cells import CalibrationCells
from .policy import Policy, PolicyView
from .tunable import TunablePolicy


class Quantile(Settings):
    """A threshold given as a quantile."""

    quantile: float = Field(ge=0, le=1)
    """Quantile of the compared number over all lists that the calibrating users could hold, at all
    steps at which they are a step old or older."""


class ThresholdPolicy(TunablePolicy):
    """Asks where a number that it computes lies beyond its threshold, below or above."""

    parameter: ClassVar[str] = "threshold"
    asks_where: ClassVar[Literal["below", "above"]]

    threshold: float | Quantile | None = None
    """The policy asks beyond it: a number, or `{quantile: q}` of the calibrating users' numbers."""

    def measured(self, view: PolicyView) -> NDArray[Any]:
        """Return the number that is compared with the threshold, at each step of the view."""
        raise NotImplementedError

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the number lies beyond the threshold."""
        measured, threshold = self.measured(view), np.float32(self.own)
        asks: NDArray[np.bool_] = (
            measured < threshold if self.asks_where == "below" else measured > threshold
        )
        return asks

    @property
    def is_fitted(self) -> bool:
        """Whether the threshold is no quantile."""
        return not isinstance(self.threshold, Quantile)

    def fitted(self, cells: CalibrationCells) -> Policy:
        """Return the policy with the threshold that is the wanted quantile."""
        if not isinstance(self.threshold, Quantile):
            return self
        measured = np.asarray(self.measured(cells.view), np.float64)
        return self.with_own(float(np.quantile(measured, self.threshold.quantile)))

    @property
    def eagerness(self) -> float:
        """The threshold itself, or what is missing of it to 1; thresholds lie in [0, 1]."""
        share = float(np.clip(self.own, 0.0, 1.0))
        return share if self.asks_where == "below" else 1.0 - share

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy with the threshold of that eagerness."""
        return self.with_own(eagerness if self.asks_where == "below" else 1.0 - eagerness)
