"""How much of consistency's variance lies between users, and how much between list ages."""

import numpy as np
import pandas as pd

from analysis import theme, variance_components
from analysis.drawing import Drawing, EndLabel, canvas, name_y_axis, write_end_labels
from analysis.intervals import Estimate
from analysis.numerals import count, intervals_over, percent, percent_with_interval
from analysis.records import RunRecords
from analysis.theme import Style

POOLED = Style("muted", "", (0, (5, 2)))
AGES = Style("vermillion", "", (0, (1, 2)))


def draw(records: RunRecords) -> Drawing | None:
    """Draw the share between users at each forced list age; None where no user has two steps."""
    cells = records.freshness.dropna(subset=["consistency"])
    if cells.empty:
        return None
    table = _shares(records, cells)
    by_age = table[table["list_age_steps"].notna()]
    if by_age["share"].isna().all():
        return None
    pooled, ages = (_estimate(table, what) for what in ("users, all ages", "list ages"))
    at = np.arange(len(by_age))
    blue = theme.colour("blue")
    with canvas(3.2) as (figure, (axes,)):
        axes.vlines(at, by_age["ci95_low"], by_age["ci95_high"], color=blue, linewidth=2.2)
        axes.plot(at, by_age["share"], color=blue, marker="o", linestyle="none")
        top = float(np.nanmax(table[["share", "ci95_high"]].to_numpy(dtype=np.float64)))
        low = float(np.nanmin(table[["share", "ci95_low"]].to_numpy(dtype=np.float64)))
        axes.set_ylim(min(0.0, low), max(1.15 * top, 0.1))
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.set_xticks(at, [f"{a:.0f}" if a else "fresh" for a in by_age["list_age_steps"]])
        axes.set_xlim(-0.35, len(by_age) - 0.55)
        axes.set_xlabel("forced list age, steps")
        name_y_axis(axes, "share of consistency's variance between users")
        lines = [(pooled, "users, all ages", POOLED), (ages, "list ages", AGES)]
        for estimate, _, style in lines:
            axes.axhline(
                estimate.value, color=theme.colour(style.role), linestyle=style.dash, linewidth=1.2
            )
        write_end_labels(axes, [EndLabel(each.value, text, style) for each, text, style in lines])
    return Drawing(
        "consistency_between_users",
        "What consistency varies with",
        figure,
        table,
        _caption(cells, by_age, pooled, ages),
        f"Share of consistency's variance between users by forced list age: "
        f"{percent(float(by_age['share'].iloc[0]))} fresh; over all ages {percent(pooled.value)} "
        f"between users and {percent(ages.value)} between ages.",
    )


def _caption(cells: pd.DataFrame, by_age: pd.DataFrame, pooled: Estimate, ages: Estimate) -> str:
    fresh = _row_estimate(by_age.iloc[0])
    at_age = f"{percent_with_interval(fresh)} at age {by_age['list_age_steps'].iloc[0]:.0f}"
    return (
        f"Of the variance of consistency among lists of equal age, the part that lies between "
        f"users, not within them (intraclass correlation, one-way random effects): {at_age}. "
        f"Over all {count(len(cells))} cells, users make up {percent_with_interval(pooled)} of the "
        f"variance and list ages {percent_with_interval(ages)}. A threshold for all users tells "
        f"lists apart by what lies within users; what lies between users makes it ask some of them "
        f"more often than others. {intervals_over(cells['user'].nunique())}"
    )


def _shares(records: RunRecords, cells: pd.DataFrame) -> pd.DataFrame:
    value = cells["consistency"].to_numpy(dtype=np.float64)
    age, row = cells["age_steps"].to_numpy(dtype=np.int64), records.user_row(cells["user"])
    resamples = records.resamples
    rows = []
    for each in np.unique(age):
        part = age == each
        share = variance_components.between_users(value[part], row[part], resamples)
        rows.append(_row("users", int(each), int(part.sum()), share))
    pooled = variance_components.between_users(value, row, resamples)
    group = np.unique(age, return_inverse=True)[1]
    ages = variance_components.explained_by(group, value, row, resamples)
    rows.append(_row("users, all ages", None, len(value), pooled))
    rows.append(_row("list ages", None, len(value), ages))
    return pd.DataFrame(rows)


def _row(between: str, age: int | None, cells: int, share: Estimate) -> dict[str, object]:
    ends = {"ci95_low": share.low, "ci95_high": share.high}
    numbers = {"list_age_steps": age, "cells": cells, "share": share.value}
    return {"between": between, **numbers, **ends}


def _estimate(table: pd.DataFrame, between: str) -> Estimate:
    return _row_estimate(table[table["between"] == between].iloc[0])


def _row_estimate(row: "pd.Series[float]") -> Estimate:
    low, high = (
        None if pd.isna(row[end]) else float(row[end]) for end in ("ci95_low", "ci95_high")
    )
    return Estimate(float(row["share"]), low, high)
