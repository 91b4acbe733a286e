"""Finds how eager a policy has to be to ask as often as is wanted."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq

TOLERANCE = 0.002
"""Of a request frequency; users differ by more than that."""
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


NEVER, ALWAYS = Found(0.0, 0.0), Found(1.0, 1.0)
"""What every policy comes near to."""


class _NearEnough(Exception):
    pass


def bisect(
    frequency_of: Callable[[float], float], wanted: float, low: Found = NEVER, high: Found = ALWAYS
) -> tuple[Found, Found]:
    """Find the eagerness at which a policy asks with the wanted frequency.

    Brent's method cuts the bracket, by interpolation where that is faster than bisection (Brent
    1973, chapter 4): two thirds of the trials on curves like those of policies.

    Args:
        frequency_of: gives the frequency at an eagerness; does not fall, but for chance.
        wanted: between the frequencies of both ends.
        low: lower end of the bracket; it is taken for granted and not tried.
        high: upper end, likewise.

    Returns:
        Twice the first trial that is near enough. Else the trials (or ends) on either side that are
        nearest: the frequency jumps between them, or the most eager policy does not reach it.
    """
    below, above = low, high

    def excess(eagerness: float) -> float:
        nonlocal below, above
        if eagerness in (low.eagerness, high.eagerness):
            return (low if eagerness == low.eagerness else high).frequency - wanted
        trial = Found(eagerness, frequency_of(eagerness))
        if abs(trial.frequency - wanted) <= TOLERANCE:
            below = above = trial
            raise _NearEnough
        if trial.frequency < wanted:
            below = max(below, trial, key=lambda each: each.eagerness)
        else:
            above = min(above, trial, key=lambda each: each.eagerness)
        return trial.frequency - wanted

    with contextlib.suppress(_NearEnough):
        brentq(excess, low.eagerness, high.eagerness, xtol=1e-7, maxiter=MOST_TRIALS, disp=False)
    return below, above
