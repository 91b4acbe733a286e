"""The phones' hardware: what scoring a list and re-training take, and what a phone may spend."""

import math
from dataclasses import dataclass

from pydantic import Field, FiniteFloat

from workloads.settings import Settings


class DeviceSettings(Settings):
    """Compute speed and power of a phone.

    The defaults are assumptions for one mid-range CPU core and not taken from a measurement: a
    scoring then takes about a millisecond, which changes energy but hardly any waiting time.
    """

    sustained_flops: float = Field(default=5e9, ge=1)
    """Sustained speed of the SRM, FLOP/s; `.inf` scores in no time."""
    active_power_w: FiniteFloat = Field(default=1.5, ge=0)
    """Power above idle while the SRM runs."""
    compute_budget_flops_per_hour: float = Field(default=math.inf, gt=0)
    """What a phone may spend on re-training, FLOPs an hour of simulated time; `.inf` sets no limit.
    The phone starts with one hour's worth and never saves more. Scoring is not charged."""

    def scoring_s(self, flops: float) -> float:
        """Time of one scoring of a candidate list that takes `flops` operations."""
        return self.computing_s(flops)

    def computing_s(self, flops: float) -> float:
        """Time of `flops` operations."""
        return flops / self.sustained_flops

    def compute_budget(self) -> "ComputeBudget":
        """Return the full budget of one phone."""
        return ComputeBudget(self.compute_budget_flops_per_hour)


@dataclass(slots=True)
class ComputeBudget:
    """A token bucket of operations: it holds an hour's worth at most, and starts full.

    Attributes:
        flops_per_hour: what flows in; also what fits in.
        left_flops: what was left at `at_s`.
        at_s: when the budget was last asked.
    """

    flops_per_hour: float
    left_flops: float = math.inf
    at_s: float = 0.0

    def spend(self, now_s: float, flops: float) -> bool:
        """Take `flops` out at `now_s` (not before the last call), if there is as much; tell so."""
        if math.isinf(self.flops_per_hour):
            return True
        flown_in = self.flops_per_hour * (now_s - self.at_s) / 3600.0
        self.left_flops = min(self.left_flops + flown_in, self.flops_per_hour)
        self.at_s = now_s
        if flops > self.left_flops:
            return False
        self.left_flops -= flops
        return True
