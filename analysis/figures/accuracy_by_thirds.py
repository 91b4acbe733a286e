"""Whom requests help: accuracy by the popularity of the item taken, and by length of history."""

import pandas as pd
from matplotlib.axes import Axes

from analysis import dots, theme, thirds
from analysis.drawing import Drawing, canvas, frame_values, name_y_axis
from analysis.metrics import HEADLINE
from analysis.numerals import count, intervals_over, with_interval
from analysis.records import RunRecords
from analysis.thirds import Third
from analysis.verdict import why_open

TITLES = {
    "item_count": "by how often the item was taken in training",
    "history_interactions": "by interactions before the replay",
}
SERIES = ("run", "never", "always")


def draw(records: RunRecords) -> Drawing | None:
    """Draw the run, never and always in each third; None where the records do not tell."""
    found = thirds.of_run(records)
    if not found:
        return None
    # A run that never or always asks is that world itself.
    series = [name for name in SERIES if name != records.policy_kind]
    panels = {grouping: [t for t in found if t.grouping == grouping] for grouping in TITLES}
    height = 1.9 + dots.rows_height_in(len(found), len(series) + 1)
    with canvas(height, rows=2, sharex=True) as (figure, axes):
        for each, (grouping, group) in zip(axes, panels.items(), strict=True):
            _panel(each, records, group, series)
            name_y_axis(each, f"{HEADLINE.upper()}, {TITLES[grouping]}")
        estimates = [third.accuracy[name] for third in found for name in series]
        lows = [e.value if e.low is None else e.low for e in estimates]
        highs = [e.value if e.high is None else e.high for e in estimates]
        from_zero = frame_values(axes[1].set_xlim, lows, highs)
        looks = [
            (theme.SERIES_LABELS[name], theme.style_of_series(name, records.policy_kind))
            for name in series
        ]
        dots.key(figure, looks)
    return Drawing(
        "accuracy_by_thirds",
        "Accuracy by item and by history",
        figure,
        _table(found),
        f"{count(sum(t.interactions for t in panels['item_count']))} interactions, in thirds "
        f"(equal values are not split, so they are not quite equal). "
        f"{intervals_over(len(records.users))} Intervals that overlap say little. Always minus "
        f"never asking, on the same users: "
        f"{'; '.join(_gains(panels[grouping], grouping) for grouping in TITLES)}."
        f"{'' if from_zero else ' The axes do not start at 0.'}",
        f"Dot plot of {HEADLINE.upper()} in thirds by popularity of the item taken and by length "
        "of history. All values are in the table that follows.",
    )


def _panel(axes: Axes, records: RunRecords, group: list[Third], series: list[str]) -> None:
    names = [f"{third.name}\n{count(third.low)} to {count(third.high)}" for third in group]
    dots.name_rows(axes, names, [False] * len(names))
    for row, third in enumerate(group):
        for position, name in enumerate(series):
            style = theme.style_of_series(name, records.policy_kind)
            height = dots.place(row, position, len(series))
            dots.dot(axes, third.accuracy[name], height, style)


def _gains(group: list[Third], grouping: str) -> str:
    """Say what always asking gives over never asking in the lowest and the highest third."""
    of = {"item_count": "items {}", "history_interactions": "{} histories"}[grouping]
    ends = [group[0], group[-1]] if len(group) > 1 else group
    return "; ".join(
        f"for {of.format(third.name)} {with_interval(third.gain, signed=True)}"
        f"{why_open(third.gain)}"
        for third in ends
    )


def _table(found: list[Third]) -> pd.DataFrame:
    rows = []
    for third in found:
        head = {"grouping": third.grouping, "third": third.name, "from": third.low}
        head |= {"to": third.high, "interactions": third.interactions}
        for name, estimate in third.accuracy.items():
            ends = {"ci95_low": estimate.low, "ci95_high": estimate.high}
            row = {**head, "series": name, HEADLINE: estimate.value, **ends}
            if name in third.difference:
                less = third.difference[name]
                row |= {"run_minus_it": less.value, "minus_low": less.low, "minus_high": less.high}
            rows.append(row)
    return pd.DataFrame(rows)
