"""LSC4Rec's collaborative-decision request: ask when the two models' orders disagree too much."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import Policy, PolicyView


class Consistency(Policy):
    """Asks when the consistency of the held list falls below a threshold (LSC4Rec, KDD 2025).

    Consistency lies in [0, 1], so a threshold of 0 never asks and one above 1 always does.
    """

    kind: Literal["consistency"] = "consistency"
    threshold: float = Field(ge=0)
    """Ask below this consistency."""

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the consistency is below the threshold."""
        return view.consistency < np.float32(self.threshold)
