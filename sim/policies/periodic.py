"""The device asks every so many steps, whatever happens: the simplest policy that reacts to age."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import PolicyView
from .whole_number import WholeNumberPolicy


class Periodic(WholeNumberPolicy):
    """Asks at steps every - 1, 2 every - 1, ... of the session, so 1 asks at every step."""

    parameter: ClassVar[str] = "every"

    kind: Literal["periodic"] = "periodic"
    every: int | None = Field(default=None, ge=1)
    """Steps from one request to the next."""

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the step, counted from 1, is a multiple of `every`."""
        return np.asarray((view.steps + 1) % self.own == 0)
