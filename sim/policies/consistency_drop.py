"""Consistency measured against the same list's own consistency when it was fresh."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .consistency import Measure
from .policy import Policy, PolicyView
from .threshold import Quantile, ThresholdPolicy


class ConsistencyDrop(ThresholdPolicy):
    """Asks when consistency has fallen by more than a threshold since the list was generated.

    The models of one user may disagree from the start; the drop removes that level, which an
    absolute threshold would mistake for a change of interest.
    """

    asks_where: ClassVar[Literal["below", "above"]] = "above"

    kind: Literal["consistency_drop"] = "consistency_drop"
    threshold: Annotated[float, Field(ge=-1, le=1)] | Quantile | None = None
    """Ask when (consistency when fresh) - (consistency now) exceeds this: a number, or `{quantile:
    q}` of the calibrating users' drops."""
    measure: Measure = "footrule"
    """How two orders are compared, as in `consistency`."""

    @property
    def signals(self) -> tuple[str, ...]:
        """The measure."""
        return (self.measure,)

    def measured(self, view: PolicyView) -> NDArray[Any]:
        """Return the drop."""
        fresh = np.asarray(view.fresh_signals[self.measure], np.float32)
        return np.asarray(fresh - view.signals[self.measure])

    @property
    def eagerness(self) -> float:
        """Where the threshold lies between a drop of 1 and a rise of 1."""
        return float((1.0 - self.own) / 2)

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy with the threshold of that eagerness."""
        return self.with_own(1.0 - 2.0 * eagerness)
