"""The device asks at steps that are fixed beforehand."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import Policy, PolicyView


class Schedule(Policy):
    """Asks at the given steps of a session, counted from 0, and at no others."""

    kind: Literal["schedule"] = "schedule"
    steps: tuple[Annotated[int, Field(ge=0)], ...] = Field(strict=False)
    """The steps."""

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask at the steps."""
        return np.isin(view.steps, np.array(self.steps, np.int64))
