"""What a fresh list would have brought, by the consistency and by the age of the list held."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis import fresh_gain, theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.fresh_gain import LESS, Slopes
from analysis.intervals import Estimate
from analysis.metrics import HEADLINE
from analysis.numerals import count, intervals_over, significant, with_interval
from analysis.records import RunRecords

AGE = ("age_from", "age_to")


def draw(records: RunRecords) -> Drawing | None:
    """Draw the gain by tenths of consistency and by age; None where it is not known."""
    made = fresh_gain.decisions(records.interactions)
    if made.empty:
        return None
    row, resamples = records.user_row(made["user"]), records.resamples
    tenths = fresh_gain.by_tenth(made, row, resamples)
    ages = fresh_gain.by_age(made, row, resamples)
    slopes = fresh_gain.slopes(made, row, resamples)
    with canvas(5.2, rows=2, sharey=True) as (figure, (top, bottom)):
        _points(top, tenths["consistency"], tenths)
        top.set_xlabel("consistency of the list held, mean of each tenth")
        at = np.arange(len(ages))
        _points(bottom, at, ages)
        bottom.set_xticks(at, _bins(ages))
        bottom.set_xlabel("age of the list held, steps")
        for axes in (top, bottom):
            axes.axhline(0, color=theme.colour("muted"), linewidth=1)
            name_y_axis(axes, f"gain in {HEADLINE.upper()} at the next step")
    lowest, highest = tenths["gain"].iloc[[0, -1]]
    return Drawing(
        "gain_by_consistency",
        "What a fresh list would have brought",
        figure,
        pd.concat([tenths, ages], ignore_index=True)[[*tenths.columns, *AGE]],
        f"{HEADLINE.upper()} at the next step with a list made at the decision, less that with the "
        f"list held, of {count(len(made))} decisions, whether or not they asked: above, in "
        f"{len(tenths)} parts by consistency; below, by age. "
        f"{intervals_over(made['user'].nunique())} {_in_words(slopes)} {_chosen_by(records)}",
        f"Points of the gain of a fresh list: {significant(lowest)} in the least consistent part, "
        f"{significant(highest)} in the most consistent; below, by list age.",
    )


def _bins(ages: pd.DataFrame) -> list[str]:
    ends = zip(*(ages[end] for end in AGE), strict=True)
    return [f"{low}" if low == high else f"{low} to {high}" for low, high in ends]


def _points(axes: Axes, at: "pd.Series[float] | NDArray[np.int64]", table: pd.DataFrame) -> None:
    blue = theme.colour("blue")
    axes.vlines(at, table["ci95_low"], table["ci95_high"], color=blue, linewidth=2.2)
    axes.plot(at, table["gain"], color=blue, marker="o", linestyle="none")


def _in_words(slopes: Slopes) -> str:
    """Say what the slopes support, and no more."""
    named = {"": slopes.overall}
    if not np.isnan([slopes.same_age.value, slopes.same_user.value]).any():
        named |= {
            "among lists of equal age ": slopes.same_age,
            "among decisions of one user ": slopes.same_user,
        }
    verdicts = [_verdict(slope) for slope in named.values()]
    alike = len(set(verdicts)) == 1
    said = ", ".join(
        f"{which}{with_interval(slope, signed=True)}" + ("" if alike else f" ({verdict})")
        for (which, slope), verdict in zip(named.items(), verdicts, strict=True)
    )
    ending = f": {verdicts[0]}." if alike else "."
    return f"Where consistency is lower by {LESS:g}, a fresh list brings more by {said}{ending}"


def _chosen_by(records: RunRecords) -> str:
    """Say whether the policy's choice of lists to replace is in what is seen."""
    if records.policy_kind in ("random", "periodic", "staleness", "never", "always"):
        return "When this policy asks does not depend on the models, nor do the ages of lists."
    return (
        "The policy chose which lists grew old by what the device knows of them, so those left "
        "are not like those replaced; a run of the policy random shows all alike."
    )


def _verdict(slope: Estimate) -> str:
    if slope.low is None:
        return "too few users for an interval"
    if slope.above_zero:
        return "low consistency tells of gain"
    if slope.below_zero:
        return "low consistency tells of less gain, not of more"
    return "the interval includes 0, so consistency is not shown to tell of gain"
