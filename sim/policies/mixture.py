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
    def _says_how_often(self) -> Self:
        for key in ("first", "second"):
            member = getattr(self, key)
            if getattr(member, "target_frequency", None) is not None or not member.is_fitted:
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
    def reads_link(self) -> bool:
        """Whether either does."""
        return self.first.reads_link or self.second.reads_link

    @property
    def series(self) -> str:
        """Both policies."""
        first, second = self.first.series, self.second.series
        return first if first == second else f"mixture of {first} and {second}"

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the policy that the coin chooses does."""
        chosen: NDArray[Any] = view.draws < self.share
        return np.where(chosen, self.second.asks(view), self.first.asks(view))
