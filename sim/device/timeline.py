"""When a device decides and shows, as long as nothing makes it wait."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.device.availability import Availability


@dataclass(frozen=True, slots=True)
class Timeline:
    """How a device goes from step to step.

    Attributes:
        device: which device.
        think_s: float64, shape [steps - 1], from the end of each step to the next decision.
        scoring_s: time that the SRM takes for the list.
        availability: when decisions can be taken; None where they always can.
    """

    device: int
    think_s: NDArray[np.float64]
    scoring_s: float
    availability: Availability | None = None

    def next_decision_s(self, step: int, shown_s: float) -> float:
        """Return the decision after a step that showed its list at `shown_s`."""
        decision_s = shown_s + float(self.think_s[step])
        if self.availability is None:
            return decision_s
        return self.availability.on_s(self.device, decision_s)

    def expected_times_s(
        self, decision_s: float, step: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the decision times from one step on, and the times at which the list is scored.

        decision(t + 1) = (decision(t) + scoring) + think(t), added strictly from left to right, so
        that the times are bit for bit those of a device that goes from step to step; where the app
        is not in the foreground then, the decision is the first time that it is.

        Args:
            decision_s: time of the first decision.
            step: its step.

        Returns:
            Two float64 arrays, shape [steps - step]: decisions, and decisions plus scoring.
        """
        if self.availability is not None:
            decisions_s = [decision_s]
            for earlier in range(step, len(self.think_s)):
                scored_s = decisions_s[-1] + self.scoring_s
                decisions_s.append(self.next_decision_s(earlier, scored_s))
            return np.array(decisions_s), np.array(decisions_s) + self.scoring_s
        think_s = self.think_s[step:]
        times_s = np.empty(2 * len(think_s) + 2)
        times_s[0] = decision_s
        times_s[1::2] = self.scoring_s
        times_s[2::2] = think_s
        np.cumsum(times_s, out=times_s)
        return times_s[0::2], times_s[1::2]
