"""Whether policies ask as often as was wanted of them, on users that did not calibrate them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import theme
from analysis.calibration import ERRORS, calibration
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.emphasis import emphasised
from analysis.numerals import count, number
from analysis.panel import TOLERANCE
from analysis.sweep_records import SweepRecords

#: How far series are moved apart sideways, in all, where they were to ask equally often.
SPREAD = 0.03
MOST_NAMED = 4

#: The greatest difference that the lower panel shows.
NEAR = 0.06


def draw(sweep: SweepRecords) -> Drawing | None:
    """Draw realised against wanted request frequency; None where nothing was calibrated."""
    points = calibration(sweep)
    if points.empty:
        return None
    with canvas(6.2, rows=2, sharex=True, height_ratios=[3, 2]) as (figure, (whole, near)):
        _band(whole)
        _points(whole, points, sweep)
        _frame(whole, points)
        near.axhspan(-TOLERANCE, TOLERANCE, color=theme.colour("faint"), linewidth=0)
        near.axhline(0, color=theme.colour("muted"), linewidth=1.0)
        _points(near, points.assign(realised=points["realised"] - points["wanted"]), sweep)
        _frame_near(near)
        name_y_axis(whole, "realised request frequency")
        name_y_axis(near, "realised minus wanted, percentage points")
        near.set_xlabel("wanted request frequency")
    missed = points[points["missed"] & points["reached"]]
    short = points[points["missed"] & ~points["reached"]]
    return Drawing(
        "calibration",
        "Did policies ask as often as was wanted?",
        figure,
        points.drop(columns="facet") if (points["facet"] == "").all() else points,
        _caption(points, missed, short),
        f"Realised against wanted request frequency of {len(points)} settings, beside the line on "
        f"which both are equal; {len(missed)} missed it and {len(short)} could not reach it.",
        "from analysis.figures import calibration; from analysis.sweep_records import read; "
        f"calibration.draw({sweep.code})",
    )


def _band(axes: Axes) -> None:
    ends = np.array([0.0, 1.0])
    axes.fill_between(
        ends, ends - TOLERANCE, ends + TOLERANCE, color=theme.colour("faint"), linewidth=0
    )
    axes.plot(ends, ends, color=theme.colour("muted"), linewidth=1.0)


def _points(axes: Axes, points: pd.DataFrame, sweep: SweepRecords) -> None:
    styles = theme.styles_of_policies(sweep.kinds)
    coloured = emphasised(sweep)
    series = sorted(points["series"].unique(), key=lambda name: (name in coloured, name))
    for place, name in enumerate(series):
        part = points[points["series"] == name]
        aside = SPREAD * (place / max(1, len(series) - 1) - 0.5)
        colour = theme.colour(styles[name].role if name in coloured else "grey")
        axes.errorbar(
            part["wanted"] + aside,
            part["realised"],
            yerr=ERRORS * part["error"],
            linestyle="none",
            marker=styles[name].marker or "D",
            markersize=4.5 if name in coloured else 3.5,
            color=colour,
            linewidth=1.0,
            label=name if name in coloured else None,
        )
        off = part[part["missed"]]
        axes.plot(
            off["wanted"] + aside,
            off["realised"],
            linestyle="none",
            marker="o",
            markersize=12,
            markerfacecolor="none",
            markeredgecolor=theme.colour("vermillion"),
        )


def _frame(axes: Axes, points: pd.DataFrame) -> None:
    limit = 1.08 * float(points[["wanted", "realised"]].max().max())
    axes.set_xlim(0, limit)
    axes.set_ylim(0, limit)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    axes.legend(loc="upper left", frameon=False, fontsize=9.5, handlelength=1.2)


def _frame_near(axes: Axes) -> None:
    axes.set_ylim(-NEAR, NEAR)
    axes.yaxis.set_major_formatter(lambda value, _: number(100 * value, 0, signed=True))


def _caption(points: pd.DataFrame, missed: pd.DataFrame, short: pd.DataFrame) -> str:
    text = (
        f"{count(len(points))} settings, moved a little sideways where they would hide one "
        f"another; bars are {ERRORS} standard errors over users. Below are the same differences, "
        f"enlarged, up to {100 * NEAR:g} points. A bar that touches the grey band "
        f"({100 * TOLERANCE:g} points either side of the line) is near enough: half of the users "
        f"calibrated what the other half was served by, so small misses are expected."
    )
    if len(missed):
        text += f" Circled: {_named(missed)} further off than that."
    if len(short):
        text += (
            f" Circled: {_named(short)} could not be reached; no value of the policy's parameter "
            f"asks so often here, so the nearest that can be was taken."
        )
    return text + ("" if len(missed) + len(short) else " None is further off.")


def _named(part: pd.DataFrame) -> str:
    named = [
        f"{row['series']} at {100 * row['wanted']:g}%"
        + (f" ({row['facet']})" if row["facet"] else "")
        for _, row in part.iterrows()
    ]
    rest = len(named) - MOST_NAMED
    return ", ".join(named[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
