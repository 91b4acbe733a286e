"""The tables of a trade-off: policies at equal frequency, their gains, pairs and settings."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis import policy_gains, tables
from analysis.intervals import Estimate
from analysis.metrics import METRICS
from analysis.numerals import (
    NOTHING,
    count,
    number,
    percent,
    percent_with_interval,
    scaled,
    seconds,
    significant,
    with_interval,
)
from analysis.policy_contest import Contest
from analysis.policy_gains import Gain
from analysis.policy_verdicts import setting_name
from analysis.sweep_records import SweepRecords
from analysis.tables import Table

LUCK = "(bound)"


def at_frequencies(contests: Sequence[Contest]) -> Table:
    """Return accuracy by policy and frequency, the best first."""
    frequencies = list(dict.fromkeys(contest.frequency for contest in contests))
    rows: list[list[str]] = []
    for facet in dict.fromkeys(contest.facet for contest in contests):
        mine = {c.frequency: {**c.accuracy, **c.bounds} for c in contests if c.facet == facet}
        won = {c.frequency: c.winner for c in contests if c.facet == facet}
        bounds = {series for c in contests if c.facet == facet for series in c.bounds}
        if facet:
            rows.append([facet])
        for series in _ranked(mine, bounds):
            cells = [_accuracy(mine[f].get(series), won[f] == series) for f in frequencies]
            rows.append([f"{series} {LUCK}" if series in bounds else series, *cells])
    columns = ["Policy", *[f"at {100 * frequency:g}%" for frequency in frequencies]]
    return tables.of_texts("Policies at the same request frequency", columns, rows, stacked=True)


def _ranked(accuracy: dict[float, dict[str, Estimate]], bounds: set[str]) -> list[str]:
    """Return series by their mean place among those at each frequency; bounds last."""
    places: dict[str, list[float]] = {}
    for at in accuracy.values():
        ordered = sorted(at, key=lambda series: -at[series].value)
        for place, series in enumerate(ordered):
            places.setdefault(series, []).append(place)
    return sorted(places, key=lambda series: (series in bounds, float(np.mean(places[series]))))


def _accuracy(estimate: Estimate | None, won: bool) -> str:
    if estimate is None:
        return NOTHING
    value, bracket, interval = with_interval(estimate).partition(" [")
    return f"{value}{' best' if won else ''}{bracket}{interval}"


def over_random(gains: Sequence[Gain]) -> Table:
    """Return each policy's area over random and share of the gain of hindsight."""
    shares = any(gain.recovered is not None for gain in gains)
    needs = {
        f"{other}'s {100 * policy_gains.AT:g}%, with": needed
        for other, needed in (
            (policy_gains.RANDOM, [gain.requests for gain in gains]),
            (policy_gains.PERIODIC, [gain.periodic_requests for gain in gains]),
        )
        if any(each is not None for each in needed)
    }
    rows: list[list[str]] = []
    facets = list(dict.fromkeys(gain.facet for gain in gains))
    for facet in facets:
        if facet:
            rows.append([facet])
        for position, gain in enumerate(gains):
            if gain.facet != facet:
                continue
            row = [_named(gain), with_interval(gain.over_random, signed=True)]
            if shares:
                known = gain.recovered
                row.append(NOTHING if known is None else percent_with_interval(known))
            for needed in (column[position] for column in needs.values()):
                row.append(NOTHING if needed is None else percent_with_interval(needed))
            rows.append([*row, f"{100 * gain.low:.0f}% to {100 * gain.high:.0f}%"])
    columns = ["Policy", "over random", *(["of hindsight's gain"] if shares else [])]
    columns += [*needs, "between"]
    return tables.of_texts("What policies gain over random", columns, rows, stacked=True)


def _named(gain: Gain) -> str:
    return f"{gain.series} {LUCK}" if gain.bound else gain.series


def by_metric(sweep: SweepRecords) -> Table:
    """Return each policy's area over random, told by every metric."""
    found = {
        metric: policy_gains.gains(panel.by(metric) for panel in sweep.panels) for metric in METRICS
    }
    rows: list[list[str]] = []
    facet = ""
    for gain in found[sweep.metric]:
        if gain.facet != facet:
            facet = gain.facet
            rows.append([facet])
        same = [
            next(g for g in found[m] if (g.facet, g.series) == (gain.facet, gain.series))
            for m in METRICS
        ]
        areas = [with_interval(each.over_random, signed=True) for each in same]
        rows.append([_named(gain), *areas])
    columns = ["Policy", *[metric.upper() for metric in METRICS]]
    return tables.of_texts("Area over random by every metric", columns, rows, stacked=True)


def pairs(found: pd.DataFrame) -> Table:
    """Return the tests of every pair, grouped by facet and frequency."""
    rows: list[list[str]] = []
    for _, part in found.groupby(["facet", "frequency"], sort=False):
        records = part.to_dict("records")
        facet, frequency = records[0]["facet"], float(records[0]["frequency"])
        told = f"{count(int(part['told_apart'].sum()))} of {count(len(part))} pairs told apart"
        rows.append([f"At {100 * frequency:g}%{f', {facet}' if facet else ''}: {told}"])
        for row in records:
            lead = Estimate(row["difference"], _number(row["low"]), _number(row["high"]))
            p = [_p(row["p"]), _p(row["p_adjusted"])]
            said = "yes" if row["told_apart"] else "no"
            named = f"{row['policy']} \u2212 {row['other']}"
            rows.append([named, with_interval(lead, signed=True), *p, said])
    columns = ["Pair", "difference", "p", "p, adjusted", "told apart"]
    return tables.of_texts("Every pair of policies", columns, rows, stacked=True)


def _p(value: float) -> str:
    if pd.isna(value):
        return NOTHING
    return "0.0001 or less" if value <= 1e-4 else number(value, 4 if value < 0.01 else 2)


def points(sweep: SweepRecords) -> Table:
    """Return every setting with what it reached and what it cost."""
    settings = sweep.settings
    columns = {
        name: cells
        for name, cells in _point_columns(sweep).items()
        if name not in OPTIONAL or settings.get(OPTIONAL[name], pd.Series(0.0)).fillna(0.0).any()
    }
    rows = [[cell(row) for cell in columns.values()] for _, row in settings.iterrows()]
    return tables.of_texts("All settings of the sweep", list(columns), rows)


def metrics(sweep: SweepRecords) -> Table:
    """Return every metric of every setting."""
    rows: list[list[str]] = []
    for panel in sweep.panels:
        by = [panel.means(metric) for metric in METRICS]
        names = [setting_name(row) for _, row in panel.settings.iterrows()]
        rows += [[name, *[number(each[i], 4) for each in by]] for i, name in enumerate(names)]
    columns = ["Policy", *[metric.upper() for metric in METRICS]]
    return tables.of_texts("Every metric of every setting", columns, rows)


#: Columns of the table of settings that are left out where all of their values are 0.
OPTIONAL = {
    "95th percentile": "response_s.p95",
    **{name.replace("_", " "): f"outcomes.{name}" for name in ("timed_out", "rejected", "lost")},
}


def _point_columns(sweep: SweepRecords) -> dict[str, Callable[["pd.Series[Any]"], str]]:
    """Return each column's name and how it is made from a setting."""

    def of(key: str, show: Callable[[float | None], str]) -> Callable[["pd.Series[Any]"], str]:
        return lambda row: show(_number(row.get(key)))

    return {
        "Policy": setting_name,
        "requests": of("request_frequency", percent),
        sweep.metric.upper(): lambda row: with_interval(
            Estimate(float(row["accuracy"]), _number(row["low"]), _number(row["high"]))
        ),
        "median response": of("response_s.p50", seconds),
        **{
            name: of(key, seconds if key.startswith("response_s") else count)
            for name, key in OPTIONAL.items()
        },
        "energy per device": of("energy_j.per_device", lambda value: scaled(value, "J")),
        "bytes": lambda row: scaled(
            _number(row.get("bytes.up", np.nan) + row.get("bytes.down", np.nan)), "B"
        ),
        "replicas busy": of("cloud.utilisation", percent),
        "price, USD": of("cloud.cost_usd", significant),
    }


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or value != value:
        return None
    return float(value)
