"""Finds how eager a policy has to be to ask as often as is wanted."""

from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq

TOLERANCE = 0.002
"""Of a request frequency; users differ by more than that."""
NEAR = 0.02
"""What still counts as reached: signals of short lists move in steps."""
MOST_TRIALS = 20


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


class _NearEnough(Exception):
    pass


def bisect(frequency_of: Callable[[float], float], wanted: float) -> Found:
    """Find the eagerness at which a policy asks with the wanted frequency.

    Brent's method cuts the bracket, by interpolation where that is faster than bisection (Brent
    1973, chapter 4): two thirds of the trials on curves like those of policies. That nothing is
    asked at an eagerness of 0, and at every step at 1, is taken for granted and not tried.

    Args:
        frequency_of: gives the frequency at an eagerness in (0, 1]; does not fall, but for chance.
        wanted: in (0, 1).

    Returns:
        The first trial that is near enough; else the nearest, the most eager policy being one.
    """
    trials: list[Found] = []

    def excess(eagerness: float) -> float:
        if eagerness in (0.0, 1.0):
            return eagerness - wanted
        trials.append(Found(eagerness, frequency_of(eagerness)))
        if abs(trials[-1].frequency - wanted) <= TOLERANCE:
            raise _NearEnough
        return trials[-1].frequency - wanted

    try:
        brentq(excess, 0.0, 1.0, xtol=1e-7, maxiter=MOST_TRIALS, disp=False)
    except _NearEnough:
        return trials[-1]
    if all(trial.frequency < wanted for trial in trials):
        trials.append(Found(1.0, frequency_of(1.0)))
    return min(trials, key=lambda trial: abs(trial.frequency - wanted))
