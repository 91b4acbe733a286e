"""A small model on the device predicts what a fresh list would gain."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import Policy, PolicyView
from .threshold import Quantile, ThresholdPolicy

PREDICTED = "predicted_gain"
"""A signal that no outcome table has by itself."""


class Learned(ThresholdPolicy):
    """Asks when the predicted gain of a fresh list exceeds a threshold.

    The prediction comes from what a device can know: the age of its list, how the two models agree
    on it now and did when it was fresh, how sure the SRM is (`models.request_gain`). It is learned
    from other users.
    """

    asks_where: ClassVar[Literal["below", "above"]] = "above"

    kind: Literal["learned"] = "learned"
    threshold: Annotated[float, Field(ge=-1, le=1)] | Quantile | None = None
    """Ask when the predicted gain in NDCG@10 exceeds this: a number, or `{quantile: q}` of the
    calibrating users' predictions."""

    @property
    def signals(self) -> tuple[str, ...]:
        """The prediction."""
        return (PREDICTED,)

    def measured(self, view: PolicyView) -> NDArray[Any]:
        """Return the predicted gain."""
        return view.signals[PREDICTED]

    @property
    def eagerness(self) -> float:
        """(1 - the threshold's cube root) / 2: gains are small, so small ones are told apart."""
        return float((1.0 - np.cbrt(self.own)) / 2)

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy with the threshold of that eagerness."""
        return self.with_own((1.0 - 2.0 * eagerness) ** 3)
