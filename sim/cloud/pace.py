"""How fast a replica works as time goes by."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from sim.faults.slow_replicas import SlowReplica


class Pace:
    """The times that a replica's work takes while its speed changes at known times.

    Work that is under way when the speed changes goes on at the new speed from that instant on.

    Args:
        slow: the windows in which this replica is slow; where they overlap, factors multiply.
    """

    def __init__(self, slow: Sequence[SlowReplica] = ()) -> None:
        times_s = {time_s for window in slow for time_s in (window.start_s, window.end_s)}
        self._change_s = sorted(times_s - {math.inf})
        self._factor = [1.0] + [
            math.prod(each.factor for each in slow if each.start_s <= time_s < each.end_s)
            for time_s in self._change_s
        ]

    def end_s(self, start_s: float, work_s: float) -> float:
        """Return when work is done that begins at `start_s` and takes `work_s` at full speed."""
        for position in range(bisect_right(self._change_s, start_s), len(self._change_s)):
            factor, change_s = self._factor[position], self._change_s[position]
            end_s = start_s + work_s * factor
            if end_s <= change_s:
                return end_s
            work_s -= (change_s - start_s) / factor
            start_s = change_s
        return start_s + work_s * self._factor[-1]
