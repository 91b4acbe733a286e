"""What a request policy is, and what a device lets it see."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workloads.settings import Settings

if TYPE_CHECKING:
    from .calibration_cells import CalibrationCells

NOTHING: Mapping[str, Any] = {}


class PolicyView(NamedTuple):
    """What one device knows about the coming steps while it holds one list.

    Position k of every array is step `first_step` + k, up to the end of the replay window. A policy
    that `reads_link` sees one step at a time. Where many devices are looked at together, signals
    and draws are tables of the shape [devices, steps], and what is one number of a device or of its
    list is of the shape [devices, 1].

    Attributes:
        first_step: the step of position 0.
        list_age_steps: int64; age of the held list. A popularity list is older than any other.
        list_age_s: float64; time since the decision that asked for the held list; of the list that
            it began with, since the session's start (empty unless the policy `reads_times`).
        decision_s: float64; when each decision is expected, if nothing is asked before it (empty
            unless the policy `reads_times`).
        signals: of each signal (`sim.outcome_table.SIGNALS`) that the policy reads: float32; nan
            where the SRM does not score the list.
        fresh_signals: the held list's signals when it was generated.
        requested_s: float64; when the device decided for each of its requests so far (empty unless
            the policy `reads_times`).
        candidate_count: items in a fresh list.
        wake_energy_j: what waking the radio for a request costs, its tail included (`WakeEnergy`);
            nan unless the policy `reads_link`.
        draws: float64 in (0, 1); this device's own random numbers, one a step (empty unless the
            policy `uses_draws`).
        session_draw: a random number in (0, 1) that stays the same for the whole session; nan
            unless the policy `uses_session_draw`.
    """

    first_step: int
    list_age_steps: NDArray[np.int64]
    list_age_s: NDArray[np.float64] = np.zeros(0)
    decision_s: NDArray[np.float64] = np.zeros(0)
    signals: Mapping[str, NDArray[Any]] = NOTHING
    fresh_signals: Mapping[str, Any] = NOTHING
    requested_s: NDArray[np.float64] = np.zeros(0)
    candidate_count: int = 0
    wake_energy_j: float = np.nan
    draws: NDArray[np.float64] = np.zeros(0)
    session_draw: float | NDArray[np.float64] = np.nan

    @property
    def steps(self) -> NDArray[np.int64]:
        """The steps that the view covers: int64."""
        return np.arange(self.first_step, self.first_step + len(self.list_age_steps))


class Policy(Settings):
    """Decides from a device's view at which step it asks.

    A subclass gives a `kind` and `asks`, and says what it reads. It holds no state: the same view
    gives the same answer, however often and in whatever portions it is consulted.
    """

    parameter: ClassVar[str | None] = None
    """The key that decides how often the policy asks; None where it has none."""
    is_bound: ClassVar[bool] = False
    """Whether it reads what no device can know, so that it bounds what policies can reach."""

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that `asks` reads. Where weights change along the run, no others are made."""
        return ()

    @property
    def uses_draws(self) -> bool:
        """Whether `asks` reads `view.draws`."""
        return False

    @property
    def uses_session_draw(self) -> bool:
        """Whether `asks` reads `view.session_draw`."""
        return False

    @property
    def reads_link(self) -> bool:
        """Whether `asks` reads `view.wake_energy_j`; devices then consult it step by step."""
        return False

    @property
    def reads_times(self) -> bool:
        """Whether `asks` reads `view.list_age_s`, `view.decision_s` or `view.requested_s`."""
        return False

    @property
    def is_adjustable(self) -> bool:
        """Whether the policy has an `eagerness`, and `with_eagerness` returns another one's."""
        return False

    @property
    def wants_frequency(self) -> bool:
        """Whether it, or a policy inside it, is to be calibrated to a wanted frequency."""
        return False

    @property
    def is_fitted(self) -> bool:
        """Whether nothing is left that `fitted` would decide."""
        return True

    def fitted(self, cells: "CalibrationCells") -> "Policy":
        """Return the policy with what other users' lists decide of it."""
        del cells
        return self

    @property
    def series(self) -> str:
        """The policy in words, without what decides how often it asks: one curve of a trade-off."""
        fields = type(self).model_fields
        hidden = {"kind", "inner", "target_frequency", self.parameter}
        given = (name for name in fields if name in self.model_fields_set and name not in hidden)
        told = [
            _in_words(name, getattr(self, name))
            for name in given
            if getattr(self, name) not in (fields[name].default, None)
        ]
        name = str(getattr(self, "kind", "policy")).replace("_", " ")
        return f"{name} ({', '.join(told)})" if told else name

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Tell for each step of the view whether the policy would ask there.

        Returns:
            bool, shape [steps], or [devices, steps] where many devices are looked at together and
            do not answer alike.
        """
        raise NotImplementedError

    def first_request(self, view: PolicyView, from_step: int) -> int | None:
        """Return the first step at or after `from_step` at which the policy asks, or None."""
        asks = self.asks(view)
        if asks.shape != view.list_age_steps.shape:
            raise ValueError(
                f"{type(self).__name__}.asks answers for {asks.size} steps of "
                f"{len(view.list_age_steps)}; a policy that reads times says so by `reads_times`"
            )
        asks = asks[from_step - view.first_step :]
        first = int(asks.argmax()) if len(asks) else 0
        return from_step + first if len(asks) and asks[first] else None


def _in_words(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value.replace("_", " ")
    words = name.replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"no {words}"
    return f"{words} {value:g}" if isinstance(value, int | float) else f"{words} {value}"
