"""Which policies a figure draws in colour when there are too many to tell all apart."""

from collections.abc import Mapping

import pandas as pd

from analysis import policy_gains
from analysis.sweep_records import SweepRecords

#: So many lines can be told apart in one panel.
MOST = 6

#: Drawn in colour before any other: what a policy must beat, and the one that is asked about.
FIRST = ("random", "periodic", "consistency")


def emphasised(sweep: SweepRecords) -> list[str]:
    """Return the series to be drawn in colour, best first: those of `FIRST`, then the best.

    The best are those with the greatest area over random, or without `random` the greatest mean
    accuracy of their settings, each in the mean over facets. Bounds are not among them.
    """
    ranked = _ranked(sweep)
    if len(ranked) <= MOST:
        return ranked
    first = [series for kind in FIRST for series in _of_kind(ranked, sweep.kinds, kind)[:1]]
    chosen = {*first, *[series for series in ranked if series not in first][: MOST - len(first)]}
    return [series for series in ranked if series in chosen]


def _of_kind(ranked: list[str], kinds: Mapping[str, str], kind: str) -> list[str]:
    """Return the series of a kind, the one that bears its name first."""
    return sorted((s for s in ranked if kinds[s] == kind), key=lambda series: series != kind)


def _ranked(sweep: SweepRecords) -> list[str]:
    contenders = [s for panel in sweep.panels for s in panel.contenders]
    series = list(dict.fromkeys(contenders))
    settings = sweep.settings
    gains = policy_gains.gains(sweep.panels)
    if gains:
        gained = pd.DataFrame([(gain.series, gain.over_random.value) for gain in gains])
        score = gained.groupby(0)[1].mean().to_dict()
        score[policy_gains.RANDOM] = 0.0
    else:
        score = settings.groupby("series")["accuracy"].mean().to_dict()
    return sorted(series, key=lambda each: -score.get(each, float("-inf")))
