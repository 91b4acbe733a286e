"""The device tosses a coin at every step: the control that every other policy has to beat."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import Policy, PolicyView
from .tunable import TunablePolicy


class Random(TunablePolicy):
    """Asks with a fixed probability, independently at each step."""

    parameter: ClassVar[str] = "probability"

    kind: Literal["random"] = "random"
    probability: float | None = Field(default=None, ge=0, le=1)
    """Chance of asking at a step."""

    @property
    def uses_draws(self) -> bool:
        """It does."""
        return True

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the device's draw for the step lies below the probability."""
        return np.asarray(view.draws < self.own)

    @property
    def eagerness(self) -> float:
        """The probability."""
        return float(self.own)

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy with that probability."""
        return self.with_own(eagerness)
