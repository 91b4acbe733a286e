"""Consistency measured against the same list's own consistency when it was fresh."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import Policy, PolicyView


class ConsistencyDrop(Policy):
    """Asks when consistency has fallen by more than a threshold since the list was generated.

    The models of one user may disagree from the start; the drop removes that level, which an
    absolute threshold would mistake for a change of interest.
    """

    kind: Literal["consistency_drop"] = "consistency_drop"
    threshold: float = Field(ge=-1, le=1)
    """Ask when (consistency when fresh) - (consistency now) exceeds this."""

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the drop exceeds the threshold."""
        drop = np.float32(view.fresh_consistency) - view.consistency
        return drop > np.float32(self.threshold)
