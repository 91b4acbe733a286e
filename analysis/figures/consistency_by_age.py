"""Whether consistency falls as a list ages: what a consistency policy lives on."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import theme
from analysis.drawing import Drawing, EndLabel, canvas, name_y_axis, write_end_labels
from analysis.numerals import count, number, percent
from analysis.records import RunRecords
from analysis.theme import Style

QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)

#: The measure of the records' consistency, whatever the policy reads.
MEASURE = "footrule"


def draw(records: RunRecords) -> Drawing | None:
    """Draw the distribution of consistency at each forced list age; None with no cells."""
    table = _by_age(records.freshness)
    if table.empty:
        return None
    threshold = _threshold(records.scenario.get("policy", {}))
    at = np.arange(len(table))
    with canvas(3.4) as (figure, (axes,)):
        axes.set_ylim(0, 1.02)
        blue = theme.colour("blue")
        axes.vlines(at, table["p5"], table["p95"], color=blue, linewidth=1.2)
        axes.vlines(at, table["p25"], table["p75"], color=blue, linewidth=6, alpha=0.45)
        axes.plot(at, table["p50"], color=blue, marker="o")
        _draw_references(axes, threshold)
        axes.set_xticks(at, ["fresh" if a == 0 else str(a) for a in table["list_age_steps"]])
        axes.set_xlim(-0.35, len(table) - 0.55)
        axes.set_xlabel("forced list age, steps")
        name_y_axis(axes, "consistency of the LLM's and the SRM's order")
    first, last = table.iloc[0], table.iloc[-1]
    return Drawing(
        "consistency_by_age",
        "Consistency by forced list age",
        figure,
        table,
        f"Points are medians, thick bars the middle half and thin bars the middle 90% of "
        f"interactions ({count(first['interactions'])} with fresh lists, "
        f"{count(last['interactions'])} at age {last['list_age_steps']:.0f}); the spread is over "
        f"interactions, not an interval of the median. The medians go from "
        f"{number(first['p50'], 2)} to {number(last['p50'], 2)}. Of a fresh list and one of age "
        f"{last['list_age_steps']:.0f}, drawn at random, the old one is the less consistent in "
        f"{percent(_told_apart(records.freshness))} of draws (50% would be a coin toss).",
        f"Consistency by forced list age: median {number(first['p50'], 2)} fresh and "
        f"{number(last['p50'], 2)} at age {last['list_age_steps']:.0f}.",
    )


def _threshold(policy: dict[str, Any]) -> float | None:
    """Return the threshold of the consistency drawn here; None of other measures and quantiles."""
    if policy.get("kind") != "consistency" or policy.get("measure", MEASURE) != MEASURE:
        return None
    threshold = policy.get("threshold")
    return threshold if isinstance(threshold, int | float) else None


def _told_apart(freshness: pd.DataFrame) -> float:
    """Return the chance that a list of the greatest age is less consistent than a fresh one.

    Ties count half: the statistic of Mann and Whitney (1947), divided by the number of pairs.
    """
    age = freshness["age_steps"]
    fresh = np.sort(freshness.loc[age == age.min(), "consistency"].dropna().to_numpy())
    old = freshness.loc[age == age.max(), "consistency"].dropna().to_numpy()
    below = len(fresh) - np.searchsorted(fresh, old, side="right")
    not_above = len(fresh) - np.searchsorted(fresh, old, side="left")
    return float((below + not_above).mean() / (2 * len(fresh)))


def _draw_references(axes: Axes, threshold: float | None) -> None:
    lines = [(1 / 3, "unrelated orders", Style("muted", "", (0, (1, 3))))]
    if threshold is not None and 0 <= threshold <= 1:
        lines.append((threshold, f"asks below {threshold:g}", Style("ink", "", (0, (5, 2)))))
    for y, _, style in lines:
        axes.axhline(y, color=theme.colour(style.role), linestyle=style.dash, linewidth=1.2)
    write_end_labels(axes, [EndLabel(y, text, style) for y, text, style in lines])


def _by_age(freshness: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for age, part in freshness.dropna(subset=["consistency"]).groupby("age_steps", sort=True):
        quantiles = np.quantile(part["consistency"].to_numpy(dtype=np.float64), QUANTILES)
        row = {"list_age_steps": int(str(age)), "interactions": len(part)}
        rows.append(row | {f"p{100 * q:.0f}": v for q, v in zip(QUANTILES, quantiles, strict=True)})
    return pd.DataFrame(rows)
