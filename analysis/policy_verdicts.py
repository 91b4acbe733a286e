"""The trade-off in plain words: a winner only where the paired interval allows one."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.intervals import Estimate
from analysis.numerals import count, percent, percent_with_interval, with_interval
from analysis.policy_contest import Contest, leads
from analysis.policy_gains import RANDOM, Gain
from analysis.sweep_records import SweepRecords

#: Names of policies and settings in one sentence, before it says how many more there are.
MOST_NAMED = 3


def winners(contests: Sequence[Contest], metric: str) -> list[str]:
    """Return a sentence on each frequency at which there is more than one policy to compare."""
    return [_winner(contest, metric) for contest in contests if contest.lead is not None]


def _winner(contest: Contest, metric: str) -> str:
    best, second = list(contest.accuracy)[:2]
    where = f" with {contest.facet}" if contest.facet else ""
    at = f"At {100 * contest.frequency:g}% of requests{where},"
    reached = f"{metric.upper()} {with_interval(contest.accuracy[best])}"
    lead = with_interval(contest.leads[second], signed=True)
    if contest.winner:
        others = f"all {count(len(contest.leads))} others" if len(contest.leads) > 1 else second
        nearest = f"{lead} to the nearest, {second}" if len(contest.leads) > 1 else lead
        return f"{at} {best} is the best: {reached}, told apart from {others} ({nearest})."
    return (
        f"{at} no policy is shown to be the best: {best} has the highest {reached}, but is not "
        f"told apart from {listed(contest.tied)}."
    )


def gained(gains: Sequence[Gain], metric: str) -> list[str]:
    """Return, for each facet, what its policies gain over random; a word where nothing can be."""
    facets = dict.fromkeys(gain.facet for gain in gains if not gain.bound)
    return [
        _gained([gain for gain in gains if gain.facet == facet], facet, metric) for facet in facets
    ]


def _gained(gains: Sequence[Gain], facet: str, metric: str) -> str:
    real = [gain for gain in gains if not gain.bound]
    where = f"With {facet}, averaged" if facet else "Averaged"
    best = real[0]
    same = [gain.series for gain in real if _open(gain.over_random)]
    worse = [gain.series for gain in real if gain.over_random.below_zero]
    if best.over_random.above_zero:
        reach = f"{100 * best.low:.0f}% to {100 * best.high:.0f}%"
        text = (
            f"{where} over request frequencies from {reach}, {best.series} is "
            f"{with_interval(best.over_random, signed=True)} {metric.upper()} "
            f"above asking at random equally often"
        )
        if best.recovered is not None:
            share = percent_with_interval(best.recovered)
            text += f", {share} of what perfect hindsight would gain"
        others = [gain.series for gain in real[1:] if gain.over_random.above_zero]
        text += f". So, by less, are {listed(others)}." if len(others) > 1 else "."
        text += f" So, by less, is {others[0]}." if len(others) == 1 else ""
    else:
        text = f"{where} over the frequencies that both reach, no policy is shown to beat random."
    if same:
        text += f" Not told apart from random: {listed(same)}."
    if worse:
        text += f" Worse than random: {listed(worse)}."
    return text


def missing(sweep: SweepRecords, gains: Sequence[Gain]) -> str:
    """Say which of random and the bound the sweep lacks, and what is left out for it."""
    if not gains and RANDOM not in sweep.series:
        return (
            "This sweep has no policy `random`, so what the others gain over it, and how much of "
            "hindsight's gain that is, are left out."
        )
    if gains and not sweep.points["bound"].any():
        return "This sweep has no policy `hindsight`, so shares of its gain are left out."
    return ""


def _open(lead: Estimate) -> bool:
    return not lead.above_zero and not lead.below_zero


def listed(names: Sequence[str]) -> str:
    """Return names as `a, b and c`, beyond `MOST_NAMED` with their number alone."""
    rest = len(names) - MOST_NAMED
    if rest > 1:
        return f"{', '.join(names[:MOST_NAMED])} and {count(rest)} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def most_accurate(sweep: SweepRecords) -> str:
    """Name the most accurate setting, and how many the paired intervals do not tell from it."""
    real = sweep.settings["swept"].astype(bool) & ~sweep.settings["bound"].astype(bool)
    settings = sweep.settings[real].reset_index(drop=True)
    if settings.empty:
        return ""
    value = settings["accuracy"].to_numpy(dtype=np.float64)
    first = int(value.argmax())
    top = settings.iloc[first]
    reached = f"{sweep.metric.upper()} {with_interval(_accuracy(top))}"
    equal = [i for i in range(len(settings)) if math.isclose(value[i], value[first])]
    if 1 < len(equal) == len(settings):
        return f"All {count(len(settings))} settings are tied, exactly equal: {reached}."
    policies = "policy" if settings["series"].nunique() == 1 else "policies"
    of_all = f"Of {count(len(settings))} settings of {count(settings['series'].nunique())} "
    named = [setting_name(settings.iloc[i]) for i in equal[:MOST_NAMED]]
    if len(equal) > MOST_NAMED:
        named.append(f"{count(len(equal) - MOST_NAMED)} more")
    if len(equal) > 1:
        sentence = f"{of_all}{policies}, {'; '.join(named)} are tied, exactly equal: {reached}"
    else:
        at = f"{percent(top['request_frequency'])} of interactions"
        sentence = f"{of_all}{policies}, {named[0]} was the most accurate: {reached} at {at}"
    return sentence + _not_told_apart(sweep, settings, first, equal)


def _not_told_apart(
    sweep: SweepRecords, settings: pd.DataFrame, first: int, equal: Sequence[int]
) -> str:
    # Users of different workloads are other people, whom nothing pairs.
    same_users = not any(key.startswith("workload") for key in sweep.swept)
    rows = [settings.iloc[i] for i in range(len(settings)) if same_users and i not in equal]
    tied = sum(not lead.above_zero for lead in leads(sweep, settings.iloc[first], rows))
    if not tied:
        return "."
    which = f"{count(tied)} of the other {count(len(rows))}"
    if tied == len(rows):
        which = "the other" if tied == 1 else f"all {count(tied)} others"
    joined = "and" if len(equal) > 1 else "but"
    return f", {joined} tied with {which}: no paired interval tells them apart."


def setting_name(row: "pd.Series[Any]") -> str:
    """Return a setting's policy, its parameters and its facet as one phrase."""
    name = " ".join(str(part) for part in (row["series"], row["parameters"]) if part)
    return name + (f", {row['facet']}" if row["facet"] else "")


def _accuracy(row: "pd.Series[Any]") -> Estimate:
    low, high = (None if pd.isna(row[end]) else float(row[end]) for end in ("low", "high"))
    return Estimate(float(row["accuracy"]), low, high)
