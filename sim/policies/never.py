"""The device keeps its first list: the floor of every trade-off."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .policy import Policy, PolicyView


class Never(Policy):
    """Never asks."""

    kind: Literal["never"] = "never"

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask nowhere."""
        return np.zeros(len(view.list_age_steps), dtype=bool)
