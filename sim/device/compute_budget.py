"""What a phone may compute: so many operations an hour."""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class ComputeBudget:
    """A token bucket of operations: it holds an hour's worth at most, and starts full.

    Attributes:
        flops_per_hour: what flows in; also what fits in.
        left_flops: what was left at `at_s`; below 0 if more was owed.
        at_s: when the budget was last asked.
    """

    flops_per_hour: float
    left_flops: float = math.inf
    at_s: float = 0.0

    def spend(self, now_s: float, flops: float) -> bool:
        """Take `flops` out at `now_s` (not before the last call), if there is as much; tell so."""
        if math.isinf(self.flops_per_hour):
            return True
        self._fill(now_s)
        if flops > self.left_flops:
            return False
        self.left_flops -= flops
        return True

    def owe(self, now_s: float, flops: float) -> None:
        """Take `flops` out at `now_s` (not before the last call), even if there is less."""
        if not math.isinf(self.flops_per_hour):
            self._fill(now_s)
            self.left_flops -= flops

    def _fill(self, now_s: float) -> None:
        flown_in = self.flops_per_hour * (now_s - self.at_s) / 3600.0
        self.left_flops = min(self.left_flops + flown_in, self.flops_per_hour)
        self.at_s = now_s
