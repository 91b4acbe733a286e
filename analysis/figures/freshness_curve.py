"""The freshness curve: how much any request policy can matter here."""

import pandas as pd
from matplotlib.axes import Axes

from analysis import freshness, theme
from analysis.drawing import (
    Drawing,
    EndLabel,
    canvas,
    frame_values,
    name_y_axis,
    write_end_labels,
)
from analysis.freshness import AgeAccuracy
from analysis.metrics import HEADLINE
from analysis.numerals import count, intervals_over, with_interval
from analysis.records import RunRecords

REFERENCES = ("never", "always", "always_ideal", "popularity", "srm_full")


def draw(records: RunRecords) -> Drawing | None:
    """Draw accuracy against forced list age, with reference lines labelled on the line."""
    ages = freshness.by_age(records)
    if not ages:
        return None
    references = [name for name in REFERENCES if name in records.accuracies.series]
    with canvas(4.1) as (figure, (axes,)):
        from_zero = _frame(axes, ages, records, references)
        _draw_references(axes, records, references, len(ages))
        _draw_curve(axes, ages)
        axes.set_xticks(
            range(len(ages)), ["fresh" if a.age_steps == 0 else str(a.age_steps) for a in ages]
        )
        axes.set_xlim(-0.35, len(ages) - 0.45)
        axes.set_xlabel("forced list age, steps")
        name_y_axis(axes, f"{HEADLINE.upper()} of the fused lists")
    oldest = ages[-1]
    return Drawing(
        "freshness_curve",
        "Accuracy against forced list age",
        figure,
        _table(ages, records, references),
        f"Filled points: every list forced to one age. Open points: fresh lists on the same "
        f"interactions, so that the gap between the two is the effect of age alone. At age "
        f"{oldest.age_steps} it is {with_interval(oldest.difference, signed=True)} on "
        f"{count(oldest.cells)} interactions ({count(ages[0].cells)} when fresh). "
        f"{intervals_over(len(records.users))} SRM alone: the phone ranks the whole "
        f"catalogue by itself." + ("" if from_zero else " The vertical axis does not start at 0."),
        f"Line of {HEADLINE.upper()} against forced list age, from "
        f"{with_interval(ages[0].accuracy)} fresh to {with_interval(oldest.accuracy)} at age "
        f"{oldest.age_steps}, with horizontal reference lines for the baselines.",
    )


def _frame(axes: Axes, ages: list[AgeAccuracy], records: RunRecords, references: list[str]) -> bool:
    estimates = [age.accuracy for age in ages] + [age.fresh for age in ages]
    estimates += [records.accuracies.mean(name) for name in references]
    return frame_values(
        axes.set_ylim,
        [e.value if e.low is None else e.low for e in estimates],
        [e.value if e.high is None else e.high for e in estimates],
    )


def _draw_references(axes: Axes, records: RunRecords, references: list[str], ages: int) -> None:
    labels = []
    for position, name in enumerate(references):
        style = theme.style_of_series(name, records.policy_kind)
        estimate = records.accuracies.mean(name)
        colour = theme.colour(style.role)
        axes.axhline(estimate.value, color=colour, linestyle=style.dash, linewidth=1.3)
        if estimate.low is not None and estimate.high is not None:
            at = ages - 0.5 - 0.055 * (position + 1)
            axes.plot([at, at], [estimate.low, estimate.high], color=colour, linewidth=1.3)
        labels.append(EndLabel(estimate.value, theme.SERIES_LABELS[name], style))
    write_end_labels(axes, labels)


def _draw_curve(axes: Axes, ages: list[AgeAccuracy]) -> None:
    blue = theme.colour("blue")
    for position, age in enumerate(ages):
        if age.accuracy.low is not None and age.accuracy.high is not None:
            ends = [age.accuracy.low, age.accuracy.high]
            axes.plot([position, position], ends, color=blue, linewidth=2.2)
    axes.plot(
        range(len(ages)),
        [age.fresh.value for age in ages],
        color=blue,
        linestyle="none",
        marker="o",
        markersize=9,
        markerfacecolor="none",
        markeredgewidth=1.2,
    )
    axes.plot(
        range(len(ages)), [age.accuracy.value for age in ages], color=blue, marker="o", zorder=4
    )


def _table(ages: list[AgeAccuracy], records: RunRecords, references: list[str]) -> pd.DataFrame:
    rows = [
        {
            "list": f"age {age.age_steps}",
            "interactions": age.cells,
            HEADLINE: age.accuracy.value,
            "ci95_low": age.accuracy.low,
            "ci95_high": age.accuracy.high,
            "fresh_on_same_interactions": age.fresh.value,
            "difference": age.difference.value,
            "difference_ci95_low": age.difference.low,
            "difference_ci95_high": age.difference.high,
        }
        for age in ages
    ]
    for name in references:
        estimate = records.accuracies.mean(name)
        rows.append(
            {
                "list": name,
                "interactions": records.accuracies.interactions(name),
                HEADLINE: estimate.value,
                "ci95_low": estimate.low,
                "ci95_high": estimate.high,
            }
        )
    return pd.DataFrame(rows)
