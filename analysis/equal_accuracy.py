"""How many requests a policy needs for the accuracy that another has at a request frequency."""

import numpy as np
from numpy.typing import NDArray

from analysis.intervals import LEVEL, Estimate
from analysis.panel import Curve, Panel, Weights


def requests_for(panel: Panel, curve: Curve, level: Weights) -> Estimate | None:
    """Return the least request frequency at which a curve reaches an accuracy.

    The curve and the level are taken in the same resamples of users, each of which gives a
    frequency of its own; the interval is that of their percentiles, and is left out where the
    level is out of reach in more of them than a percentile allows.

    Args:
        panel: of the curve.
        curve: with its ends.
        level: the weights of the accuracy to be reached.

    Returns:
        The frequency; None where the curve does not reach the level.
    """
    wanted, wanted_resampled = panel.ratios.combined(level)
    values = panel.ratios.values[curve.column]
    resampled = panel.ratios.resampled[:, curve.column]
    frequency = float(_first_reached(curve, values[None], np.array([wanted]))[0])
    if not np.isfinite(frequency):
        return None
    if not panel.ratios.enough.all():
        return Estimate(frequency, None, None)
    each = np.sort(_first_reached(curve, resampled, wanted_resampled))
    tail = (1 - LEVEL) / 2
    low, high = (float(each[round(share * (len(each) - 1))]) for share in (tail, 1 - tail))
    known = np.isfinite(high)
    return Estimate(frequency, low if known else None, high if known else None)


def _first_reached(
    curve: Curve, accuracy: NDArray[np.float64], level: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return where each row of a piecewise linear curve first reaches its level; inf if nowhere.

    Args:
        curve: whose frequencies the columns are.
        accuracy: float64, shape [rows, settings].
        level: float64, shape [rows].
    """
    reached = accuracy >= level[:, None]
    first = reached.argmax(axis=1)
    rows, before = np.arange(len(first)), np.maximum(first - 1, 0)
    low, high = accuracy[rows, before], accuracy[rows, first]
    rise = np.where(first > 0, high - low, 1.0)
    share = np.where(first > 0, (level - low) / rise, 0.0)
    at = curve.frequency[before] + share * (curve.frequency[first] - curve.frequency[before])
    return np.where(reached.any(axis=1), at, np.inf)
