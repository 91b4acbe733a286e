"""The device asks when its list has grown too old."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from .policy import Policy, PolicyView
from .whole_number import WholeNumberPolicy


class Staleness(WholeNumberPolicy):
    """Asks when the held list is at least so many steps old, or so many seconds.

    Unlike `periodic` it counts from the list that it holds, so what failed is asked for again. A
    wanted frequency is reached by an age in steps.
    """

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("steps", "seconds", "target_frequency"),)
    parameter: ClassVar[str] = "steps"

    kind: Literal["staleness"] = "staleness"
    steps: int | None = Field(default=None, ge=0)
    """Ask at this age in interactions."""
    seconds: float | None = Field(default=None, ge=0)
    """Ask at this age in seconds: since the decision that asked for the list, or since the session
    began."""

    @property
    def series(self) -> str:
        """By which age it asks."""
        return "staleness (seconds)" if self.seconds is not None else "staleness (steps)"

    @property
    def reads_times(self) -> bool:
        """Whether age is in seconds."""
        return self.seconds is not None

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the list is that old."""
        if self.seconds is not None:
            return np.asarray(view.list_age_s >= self.seconds)
        return np.asarray(view.list_age_steps >= self.own)

    @property
    def eagerness(self) -> float:
        """1 / steps, or 1 / (1 + minutes)."""
        if self.seconds is not None:
            return 1.0 / (1.0 + self.seconds / 60)
        return 1.0 / max(float(self.own), 1.0)

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy of that eagerness, by the same age."""
        if self.seconds is None:
            return super().with_eagerness(eagerness)
        seconds = np.inf if eagerness == 0 else 60 * (1.0 - eagerness) / eagerness
        return Staleness(seconds=float(seconds))
