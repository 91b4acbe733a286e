"""The device tosses a coin at every step: the control that every other policy has to beat."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import Policy, PolicyView


class Random(Policy):
    """Asks with a fixed probability, independently at each step."""

    kind: Literal["random"] = "random"
    probability: float = Field(ge=0, le=1)
    """Chance of asking at a step."""

    uses_draws: ClassVar[bool] = True
    reads_consistency: ClassVar[bool] = False

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the device's draw for the step lies below the probability."""
        return view.draws < self.probability
