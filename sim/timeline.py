"""When a device decides and shows, as long as nothing makes it wait."""

import numpy as np
from numpy.typing import NDArray


def expected_times_s(
    first_decision_s: float, think_s: NDArray[np.float64], scoring_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the decision times from one step on, and the times at which the list is scored.

    decision(t + 1) = (decision(t) + scoring) + think(t), added strictly from left to right, so that
    the times are bit for bit those of a device that goes from step to step.

    Args:
        first_decision_s: time of the first decision.
        think_s: float64, shape [steps - 1], from the end of each step to the next decision.
        scoring_s: time that the SRM takes for the list.

    Returns:
        Two float64 arrays, shape [steps]: decisions, and decisions plus scoring.
    """
    times_s = np.empty(2 * len(think_s) + 2)
    times_s[0] = first_decision_s
    times_s[1::2] = scoring_s
    times_s[2::2] = think_s
    np.cumsum(times_s, out=times_s)
    return times_s[0::2], times_s[1::2]
