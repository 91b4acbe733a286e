"""A stretch of simulated time in which something is wrong."""

from pydantic import Field, FiniteFloat

from workloads.settings import Settings


class Window(Settings):
    """From `start_s` on, and no longer at `start_s` + `duration_s`."""

    start_s: FiniteFloat = Field(ge=0)
    """When it begins, in simulated time."""
    duration_s: float = Field(gt=0)
    """How long it lasts; `.inf` never ends."""

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.start_s + self.duration_s
