"""A coin decides at every step which of two policies is consulted."""

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workloads.settings import invalid

from .policy import Policy, PolicyView

if TYPE_CHECKING:
    AnyPolicy = Policy


class Mixture(Policy):
    """Consults one of two policies, chosen independently at each step.

    It lies between neighbouring values of a parameter that is a whole number.
    """

    kind: Literal["mixture"] = "mixture"
    first: "AnyPolicy"
    """One policy."""
    second: "AnyPolicy"
    """The other."""
    share: float = Field(ge=0, le=1)
    """Chance that the second is consulted."""

    @model_validator(mode="after")
    def _is_of_settled_policies(self) -> Self:
        for key in ("first", "second"):
            member = getattr(self, key)
            if member.is_bound:
                raise invalid("is a bound and no policy of devices; it stands by itself", key)
            if member.wants_frequency or not member.is_fitted:
                raise invalid("is to be calibrated; a mixture takes policies that are not", key)
        return self

    @model_validator(mode="after")
    def _the_coin_is_its_own(self) -> Self:
        for key in ("first", "second"):
            if getattr(self, key).uses_draws:
                message = "draws at random itself; a mixture takes policies that do not"
                raise invalid(message, key)
        return self

    @property
    def signals(self) -> tuple[str, ...]:
        """What either reads."""
        return tuple(dict.fromkeys((*self.first.signals, *self.second.signals)))

    @property
    def uses_draws(self) -> bool:
        """It does, for the coin."""
        return True

    @property
    def uses_session_draw(self) -> bool:
        """Whether either does."""
        return self.first.uses_session_draw or self.second.uses_session_draw

    @property
    def reads_link(self) -> bool:
        """Whether either does."""
        return self.first.reads_link or self.second.reads_link

    @property
    def reads_times(self) -> bool:
        """Whether either does."""
        return self.first.reads_times or self.second.reads_times

    @property
    def is_adjustable(self) -> bool:
        """Whether both are one policy with two parameters."""
        return type(self.first) is type(self.second) and self.first.is_adjustable

    @property
    def eagerness(self) -> float:
        """The weighted harmonic mean: of 1 / steps and 1 / (steps + 1) that of the steps between.

        Exists where the mixture is adjustable, as does `with_eagerness`.
        """
        members: tuple[Any, Any] = self.first, self.second
        first, second = (each.eagerness for each in members)
        if not first or not second:
            return 0.0
        return float(1.0 / ((1.0 - self.share) / first + self.share / second))

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the one policy with the parameter, or mixture, of that eagerness."""
        first: Any = self.first
        moved: Policy = first.with_eagerness(eagerness)
        return moved

    @property
    def series(self) -> str:
        """Both policies."""
        first, second = self.first.series, self.second.series
        return first if first == second else f"mixture of {first} and {second}"

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the policy that the coin chooses does."""
        chosen: NDArray[Any] = view.draws < self.share
        return np.where(chosen, self.second.asks(view), self.first.asks(view))
