"""The device asks when its own model is not sure how to order the list that it holds."""

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import PolicyView
from .threshold import Quantile, ThresholdPolicy


class Uncertainty(ThresholdPolicy):
    """Asks when the SRM's scores of the held list say that it is uncertain.

    Uncertainty is the entropy of the softmax of the scores as a share of its largest value, or 1 -
    margin, the margin being the difference of the two largest softmax probabilities (uncertainty
    and margin sampling; Settles, Active Learning Literature Survey, 2009, section 3.1).
    """

    asks_where = "above"

    kind: Literal["uncertainty"] = "uncertainty"
    threshold: Annotated[float, Field(ge=0, le=1)] | Quantile | None = None
    """Ask when the uncertainty, which is in [0, 1], exceeds this: a number, or `{quantile: q}` of
    the calibrating users' uncertainties."""
    by: Literal["entropy", "margin"] = "entropy"
    """Which uncertainty."""

    @property
    def signals(self) -> tuple[str, ...]:
        """Entropy or margin."""
        return (self.by,)

    def measured(self, view: PolicyView) -> NDArray[Any]:
        """Return the uncertainty."""
        signal = view.signals[self.by]
        return signal if self.by == "entropy" else np.asarray(np.float32(1) - signal)
