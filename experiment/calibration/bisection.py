"""Finds how eager a policy has to be to ask as often as is wanted."""

from collections.abc import Callable
from dataclasses import dataclass

TOLERANCE = 0.001
"""Of a request frequency; simulations of 2,000 devices are no more exact."""
NEAR = 0.02
"""What still counts as reached: signals of short lists move in steps."""
MOST_TRIALS = 20
LEAST_SHARE = 0.1
"""Of the bracket that a trial cuts off at least."""


@dataclass(frozen=True)
class Found:
    """A trial.

    Attributes:
        eagerness: in [0, 1].
        frequency: requests per interaction that it gave.
    """

    eagerness: float
    frequency: float

    def reaches(self, wanted: float) -> bool:
        """Tell whether the frequency is what was wanted, but for the steps that it moves in."""
        return abs(self.frequency - wanted) <= NEAR


def bisect(frequency_of: Callable[[float], float], wanted: float) -> Found:
    """Find the eagerness at which a policy asks with the wanted frequency.

    The bracket is cut where a straight line between its ends reaches the wanted frequency, but not
    nearer to an end than a tenth of it (false position with a safeguard; Press et al., Numerical
    Recipes, section 9.2): about half as many trials as with cuts in the middle.

    Args:
        frequency_of: gives the frequency at an eagerness in [0, 1]; does not fall, but for chance.
        wanted: in (0, 1).

    Returns:
        The first trial that is near enough; else the nearest, the most eager policy being one.
    """
    low, high = Found(0.0, 0.0), Found(1.0, 1.0)  # what every policy comes near to
    trials: list[Found] = []
    while len(trials) < MOST_TRIALS:
        share = (wanted - low.frequency) / max(high.frequency - low.frequency, TOLERANCE)
        share = min(max(share, LEAST_SHARE), 1 - LEAST_SHARE)
        eagerness = low.eagerness + share * (high.eagerness - low.eagerness)
        trial = Found(eagerness, frequency_of(eagerness))
        trials.append(trial)
        if abs(trial.frequency - wanted) <= TOLERANCE:
            break
        low, high = (trial, high) if trial.frequency < wanted else (low, trial)
    else:
        if high.eagerness == 1.0:
            trials.append(Found(1.0, frequency_of(1.0)))
    return min(trials, key=lambda trial: abs(trial.frequency - wanted))
