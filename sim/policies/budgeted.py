"""A token bucket on each device: so many requests an hour, whatever the inner policy would like."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import Policy, PolicyView
from .tunable import TunablePolicy
from .wrapper import Wrapper


class Budgeted(Wrapper, TunablePolicy):
    """Asks where the inner policy does and the device has a token left (token bucket, RFC 2697).

    A bucket starts full, a request takes a token out at its decision, and tokens flow in evenly. A
    wanted frequency is reached by `per_hour`, if the inner policy has a parameter of its own.
    """

    parameter: ClassVar[str] = "per_hour"

    kind: Literal["budgeted"] = "budgeted"
    per_hour: float | None = Field(default=None, ge=0)
    """Tokens that flow in an hour."""
    burst: float = Field(default=1.0, ge=1)
    """Tokens that a bucket holds."""

    @property
    def reads_times(self) -> bool:
        """It does."""
        return True

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the inner policy does and there is a token."""
        return self.inner.asks(view) & (self._tokens(view) >= 1.0)

    def _tokens(self, view: PolicyView) -> NDArray[np.float64]:
        """Return what is in the bucket at each decision of the view, if nothing is taken before."""
        per_s, left, since_s = float(self.own) / 3600, self.burst, -np.inf
        if per_s == np.inf:  # also in no time
            return np.full(len(view.decision_s), self.burst)
        for time_s in view.requested_s.tolist():
            if since_s > -np.inf:
                left = min(left + per_s * (time_s - since_s), self.burst)
            left, since_s = left - 1.0, time_s
        if since_s == -np.inf:
            return np.full(len(view.decision_s), self.burst)
        return np.minimum(left + per_s * (view.decision_s - since_s), self.burst)

    @property
    def eagerness(self) -> float:
        """One request a minute is half way."""
        return float(self.own / (60.0 + self.own)) if np.isfinite(self.own) else 1.0

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy with the budget of that eagerness."""
        return self.with_own(np.inf if eagerness == 1 else 60 * eagerness / (1.0 - eagerness))
