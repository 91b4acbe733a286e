"""The device asks at every step: the ceiling of cost, and mostly of accuracy."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .policy import Policy, PolicyView


class Always(Policy):
    """Asks at every step at which no request is outstanding."""

    kind: Literal["always"] = "always"

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask everywhere."""
        return np.ones(len(view.list_age_steps), dtype=bool)
