"""The trade-off in plain words: a winner only where the paired interval allows one."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.intervals import Estimate
from analysis.numerals import count, percent, percent_with_interval, with_interval
from analysis.policy_contest import Contest, leads
from analysis.policy_gains import AT, RANDOM, Gain
from analysis.sweep_records import SweepRecords

#: Names of policies and settings in one sentence, before it says how many more there are.
MOST_NAMED = 3


def winners(contests: Sequence[Contest], metric: str) -> list[str]:
    """Return a sentence on each frequency at which there is more than one policy to compare."""
    compared = [contest for contest in contests if contest.lead is not None]
    if not any(contest.facet for contest in compared):
        return [_winner(contest, metric) for contest in compared]
    frequencies = dict.fromkeys(contest.frequency for contest in compared)
    return [
        _winners_of_facets([contest for contest in compared if contest.frequency == frequency])
        for frequency in frequencies
    ]


def _winner(contest: Contest, metric: str) -> str:
    best, second = list(contest.accuracy)[:2]
    at = f"At {100 * contest.frequency:g}% of requests,"
    reached = f"{metric.upper()} {with_interval(contest.accuracy[best])}"
    lead = with_interval(contest.leads[second], signed=True)
    if contest.winner:
        over = f"the interval of its lead is above 0 over each of the {len(contest.leads)} others"
        return (
            f"{at} {best} is the best: {reached}, {lead} to the next, {second}"
            f"{f'; {over}' if len(contest.leads) > 1 else ''}."
        )
    return (
        f"{at} no policy is shown to be the best: {best} has the highest {reached}, but the "
        f"interval of its lead over {listed(contest.tied)} includes 0."
    )


def _winners_of_facets(contests: Sequence[Contest]) -> str:
    """Say of one frequency who wins where, those of one winner together."""
    where: dict[str, list[str]] = {}
    for contest in contests:
        where.setdefault(contest.winner or "", []).append(contest.facet)
    said = [
        f"{winner} is the best with {listed(facets)}" for winner, facets in where.items() if winner
    ]
    if "" in where:
        said.append(f"no policy is shown to be the best with {listed(where[''])}")
    return f"At {100 * contests[0].frequency:g}% of requests, {'; '.join(said)}."


def gained(gains: Sequence[Gain], metric: str) -> list[str]:
    """Return what policies gain over random; with several facets only who gains most in each.

    Gains whose interval includes 0 are no gains here, however great they seem.
    """
    facets = list(dict.fromkeys(gain.facet for gain in gains if not gain.bound))
    if len(facets) < 2:
        return [_gained(gains, metric)] if facets else []
    most: dict[str, Gain] = {}
    for gain in gains:
        if gain.over_random.above_zero and not gain.bound:
            most.setdefault(gain.facet, gain)
    where: dict[str, list[str]] = {}
    for gain in most.values():
        told = f"{gain.facet} ({with_interval(gain.over_random, signed=True)})"
        where.setdefault(gain.series, []).append(told)
    if not where:
        return ["Averaged over request frequencies, no policy is shown to beat random anywhere."]
    said = [f"{series} with {listed(facets)}" for series, facets in where.items()]
    return [
        f"Averaged over request frequencies, the greatest gain in {metric.upper()} over asking at "
        f"random equally often, of those whose interval is above 0, is that of {'; '.join(said)}."
    ]


def _gained(gains: Sequence[Gain], metric: str) -> str:
    real = [gain for gain in gains if not gain.bound]
    better = [gain for gain in real if gain.over_random.above_zero]
    same = [gain.series for gain in real if _open(gain.over_random)]
    worse = [gain.series for gain in real if gain.over_random.below_zero]
    text = "Averaged over the frequencies that both reach, no policy is shown to beat random."
    if better:
        text = _best_gain(better[0], metric)
        if others := [gain.series for gain in better[1:]]:
            text += f" Above random too, by less: {listed(others)}."
    if same:
        text += f" Not told apart from random: {listed(same)}."
    if worse:
        text += f" Worse than random: {listed(worse)}."
    return text


def _best_gain(best: Gain, metric: str) -> str:
    reach = f"{100 * best.low:.0f}% to {100 * best.high:.0f}%"
    text = (
        f"Averaged over request frequencies from {reach}, {best.series} is "
        f"{with_interval(best.over_random, signed=True)} {metric.upper()} above asking at random "
        f"equally often"
    )
    if best.recovered is not None:
        share = percent_with_interval(best.recovered)
        text += f", {share} of what perfect hindsight would gain"
    if best.requests is not None:
        needed = percent_with_interval(best.requests)
        text += f". It is as accurate as random at {100 * AT:g}% where it asks at {needed}"
    return f"{text}."


def missing(sweep: SweepRecords, gains: Sequence[Gain]) -> str:
    """Say which of random and the bound the sweep lacks, and what is left out for it."""
    if not gains and RANDOM not in sweep.series:
        return (
            "This sweep has no policy that asks at random, so what the others gain over that, and "
            "how much of hindsight's gain it is, are left out."
        )
    if gains and not sweep.points["bound"].any():
        return "This sweep has no hindsight bound, so shares of its gain are left out."
    return ""


def _open(lead: Estimate) -> bool:
    return not lead.above_zero and not lead.below_zero


def listed(names: Sequence[str], between: str = ",") -> str:
    """Return names as `a, b and c`, beyond `MOST_NAMED` with their number alone."""
    rest = len(names) - MOST_NAMED
    if rest > 1:
        return f"{f'{between} '.join(names[:MOST_NAMED])} and {count(rest)} more"
    return " and ".join(part for part in (f"{between} ".join(names[:-1]), names[-1]) if part)


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
