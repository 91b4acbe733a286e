"""How full batteries are at the start, and below which charge a phone saves energy."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from workloads import draws
from workloads.quantities import Share
from workloads.settings import Settings, invalid


class StartSettings(Settings):
    """The charge at the start of a session, drawn uniformly for each device."""

    low: Share = 0.2
    """The least charge, as a share of a full battery."""
    high: Share = 1.0
    """The greatest."""

    @model_validator(mode="after")
    def _low_is_not_above_high(self) -> Self:
        if self.low > self.high:
            raise invalid(f"is {self.low:g}; must not be above high ({self.high:g})", "low")
        return self


class BatterySettings(Settings):
    """The battery of a phone that is not charged during its session.

    It starts with a share of the hardware's `battery_j`. The charge falls by idle power, by
    scoring and training, and by the radio; at 0 it stays. Where a device does not re-rank its list
    there is no consistency to read: a request policy that reads it never asks at such a step.

    With an empty battery the phone is off: it re-ranks nothing, asks for nothing (the policy is not
    consulted), begins no training, and sends no request again. What it has begun ends as it would,
    and what is on its way to it, a reply or parameters, still reaches it. The user's log is
    replayed to its end all the same, so that all policies are compared on the same interactions:
    such an interaction counts as shown the list that the phone holds, in the LLM's own order. In
    the records its `battery_share` is 0.
    """

    start: StartSettings = StartSettings()
    """The charge at the start of a session."""
    saver_below: Share = 0.2
    """Below this share of a full battery a device re-ranks only at some steps."""
    saver_every: int = Field(default=3, ge=1)
    """Which: those that are multiples of this number."""
    stop_below: Share = 0.05
    """Below this share, and with an empty battery, a device does not re-rank at all; with an empty
    one it does not ask either."""

    @model_validator(mode="after")
    def _stop_is_not_above_saver(self) -> Self:
        if self.stop_below > self.saver_below:
            raise invalid(
                f"is {self.stop_below:g}; must not be above saver_below ({self.saver_below:g})",
                "stop_below",
            )
        return self

    def start_shares(self, seed: int, devices: int) -> NDArray[np.float64]:
        """Draw the share of a full battery that each device starts with: float64, [devices]."""
        start = self.start
        shares: NDArray[np.float64] = start.low + (start.high - start.low) * draws.uniform(
            seed, "battery", 0, devices
        )
        return shares

    def allows(self, share: float, step: int) -> bool:
        """Tell whether a device with that share of a full battery re-ranks at a step."""
        if share < self.stop_below or not share:
            return False
        return share >= self.saver_below or step % self.saver_every == 0
