"""The device asks earlier while that costs its radio little, and holds back while it is dear."""

from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workloads.settings import invalid

from .policy import Policy, PolicyView
from .whole_number import WholeNumberPolicy
from .wrapper import Wrapper


class NetworkAware(Wrapper):
    """Moves the eagerness of the inner policy by what a request would cost the radio now.

    What counts is what waking the radio costs, promotion and tail: nearly nothing on Wi-Fi, and
    while the radio is at the beginning of its tail anyway; most on a cellular radio that sleeps.
    Without coverage that is infinite.
    """

    kind: Literal["network_aware"] = "network_aware"
    cheap_below_j: float = Field(default=5.0, ge=0)
    """Below this a request is cheap. Waking costs 7.4 J on 3G, 12.6 J on LTE, 0.04 J on Wi-Fi, and
    nothing right after a transfer (`sim/radio/radios.yaml`)."""
    dear_above_j: float = Field(default=7.0, ge=0)
    """Above this it is dear."""
    earlier: float = Field(default=0.1, ge=0, le=1)
    """What is added to the inner policy's eagerness, which is in [0, 1], where a request is cheap.
    The eagerness of `consistency` is its threshold, that of `random` its probability, that of
    `periodic` and `staleness` 1 / steps, ..."""
    later: float = Field(default=0.1, ge=0, le=1)
    """What is taken off it where a request is dear."""

    @model_validator(mode="before")
    @classmethod
    def _hand_the_target_on(cls, values: Any) -> Any:
        """Let the inner policy be calibrated, as this one has no parameter that decides alone."""
        if not isinstance(values, dict) or values.get("target_frequency") is None:
            return values
        rest = dict(values)
        wanted, inner = rest.pop("target_frequency"), rest.get("inner")
        if not isinstance(inner, dict):
            return values
        return {**rest, "inner": {**inner, "target_frequency": wanted}}

    @model_validator(mode="after")
    def _can_be_moved(self) -> Self:
        if not self.inner.is_adjustable:
            message = "has nothing that could make it ask earlier or later"
            raise invalid(message, "inner")
        if self.cheap_below_j > self.dear_above_j:
            message = f"is {self.cheap_below_j:g}; accepted: at most dear_above_j"
            raise invalid(message, "cheap_below_j")
        return self

    @property
    def reads_link(self) -> bool:
        """It does."""
        return True

    @property
    def uses_draws(self) -> bool:
        """Whether the inner policy does, or is moved to between two whole numbers of steps."""
        return self.inner.uses_draws or isinstance(self.inner, WholeNumberPolicy)

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the inner policy does, moved."""
        if view.wake_energy_j < self.cheap_below_j:
            return self._eager.asks(view)
        return (self._holding_back if view.wake_energy_j > self.dear_above_j else self.inner).asks(
            view
        )

    @cached_property
    def _eager(self) -> Policy:
        return self._moved(self.earlier)

    @cached_property
    def _holding_back(self) -> Policy:
        return self._moved(-self.later)

    def _moved(self, by: float) -> Policy:
        inner: Any = self.inner
        moved: Policy = inner.with_eagerness(float(np.clip(inner.eagerness + by, 0.0, 1.0)))
        return moved
