"""The device asks every so many steps, whatever happens: the simplest policy that reacts to age."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import PolicyView
from .whole_number import WholeNumberPolicy


class Periodic(WholeNumberPolicy):
    """Asks every so many steps of the session, so 1 asks at every step."""

    parameter: ClassVar[str] = "every"

    kind: Literal["periodic"] = "periodic"
    every: int | None = Field(default=None, ge=1)
    """Steps from one request to the next."""
    phase: Literal["aligned", "random"] = "aligned"
    """`aligned`: all devices ask at steps every - 1, 2 every - 1, ... of their sessions. `random`:
    each begins anywhere in its period, so that where windows end gives no period an advantage."""

    @property
    def uses_session_draw(self) -> bool:
        """Whether the phase is random."""
        return self.phase == "random"

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the step, counted from 1 and from the phase, is a multiple of `every`."""
        every = int(self.own)
        begun = np.floor(every * view.session_draw) if self.phase == "random" else 0
        return np.asarray((view.steps + begun + 1) % every == 0)
