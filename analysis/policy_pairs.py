"""Every pair of policies at the same request frequency: differences, tested on the same users."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.panel import Panel
from analysis.policy_contest import FREQUENCIES
from analysis.sweep_records import SweepRecords

#: Differences whose adjusted p-value is below this are told apart.
LEVEL = 0.05

COLUMNS = (
    "facet",
    "frequency",
    "policy",
    "other",
    "difference",
    "low",
    "high",
    "p",
    "p_adjusted",
    "told_apart",
)


def pairs(sweep: SweepRecords) -> pd.DataFrame:
    """Return every pair of series that reach a frequency, at each frequency that was wanted.

    Where no frequency was wanted the pairs are compared at 10, 30 and 50%. Policies share the
    draws of a seed, and a user's interactions of all seeds are taken together.

    Returns:
        Columns facet, frequency, policy and other (the more accurate first), difference, low, high
        (the paired 95% interval over users), p (`analysis.panel.Panel.p_value`), p_adjusted (over
        the pairs of one facet and frequency: `holm`) and told_apart.
    """
    wanted = sorted(set(sweep.points["target"].dropna())) or list(FREQUENCIES)
    rows = [
        row for panel in sweep.panels for frequency in wanted for row in _rows(panel, frequency)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(panel: Panel, frequency: float) -> list[tuple[object, ...]]:
    at = {
        series: curve.at(frequency)
        for series, curve in panel.contenders.items()
        if curve.reaches(frequency)
    }
    value = {series: panel.estimate(weights).value for series, weights in at.items()}
    ranking = sorted(at, key=lambda series: -value[series])
    met = list(itertools.combinations(ranking, 2))
    p = np.array([panel.p_value(at[one] - at[other]) for one, other in met])
    rows: list[tuple[object, ...]] = []
    for (one, other), raw, adjusted in zip(met, p, holm(p), strict=True):
        lead = panel.estimate(at[one] - at[other])
        ends = (lead.value, lead.low, lead.high)
        told = bool(adjusted < LEVEL)
        rows.append((panel.facet, frequency, one, other, *ends, raw, adjusted, told))
    return rows


def holm(p: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values adjusted for their number, so that all errors together stay at a level.

    Holm, "A simple sequentially rejective multiple test procedure" (1979): the i-th smallest of n
    is multiplied by n - i + 1, and none falls below a smaller one. NaN stays NaN.

    Args:
        p: float64, shape [tests].

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    factor = len(values) - np.arange(len(values))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factor), 1.0)
    return adjusted
