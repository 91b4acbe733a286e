"""Users who leave for good."""

from pydantic import Field

from workloads.settings import Settings


class ChurnSettings(Settings):
    """A user may leave after each step; the rest of the window never happens."""

    per_step: float = Field(ge=0, lt=1)
    """Probability of leaving after a step, the same after each."""
