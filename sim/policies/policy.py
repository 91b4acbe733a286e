"""What a request policy is, and what a device lets it see."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads.settings import Settings


class PolicyView(NamedTuple):
    """What one device knows about the coming steps while it holds one list.

    Position k of every array is step `first_step` + k, up to the end of the replay window.

    Attributes:
        first_step: the step of position 0.
        consistency: float32; agreement of the SRM's order of the held list with the LLM's.
        fresh_consistency: the held list's consistency when it was generated.
        list_age_steps: int64; age of the held list. A popularity list is older than any other.
        decision_s: float64; when each decision is expected, if nothing is asked before it.
        draws: float64 in (0, 1); this device's own random numbers (empty unless the policy
            `uses_draws`).
    """

    first_step: int
    consistency: NDArray[Any]
    fresh_consistency: float
    list_age_steps: NDArray[np.int64]
    decision_s: NDArray[np.float64]
    draws: NDArray[np.float64]

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps that the view covers: int64."""
        return np.arange(self.first_step, self.first_step + len(self.consistency))


class Policy(Settings):
    """Decides from a device's view at which step it asks.

    A subclass gives a `kind` and either `asks` or a `first_request` of its own. It holds no state:
    the same view gives the same answer, however often and in whatever portions it is consulted.
    """

    uses_draws: ClassVar[bool] = False
    """Whether `asks` reads `view.draws`."""
    reads_consistency: ClassVar[bool] = True
    """Whether `asks` reads the view's consistency. Where it does not, and weights change along the
    run, the models are not run for it, and the view holds nan."""

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Tell for each step of the view whether the policy would ask there: bool array."""
        raise NotImplementedError

    def first_request(self, view: PolicyView, from_step: int) -> int | None:
        """Return the first step at or after `from_step` at which the policy asks, or None."""
        asks = self.asks(view)[from_step - view.first_step :]
        first = int(asks.argmax()) if len(asks) else 0
        return from_step + first if len(asks) and asks[first] else None
