"""The run's accuracy beside its baselines, with intervals over users."""

import pandas as pd
from matplotlib.axes import Axes

from analysis import theme
from analysis.accuracy import SERIES
from analysis.drawing import Drawing, canvas, frame_values, name_y_axis
from analysis.metrics import METRICS
from analysis.numerals import count, intervals_over
from analysis.records import RunRecords

SHOWN = ("ndcg@10", "hr@10")


def draw(records: RunRecords) -> Drawing:
    """Draw NDCG@10 and HR@10 of every series, best first."""
    accuracies = records.accuracies
    series = [name for name in SERIES if name in accuracies.series]
    series.sort(key=lambda name: accuracies.mean(name, SHOWN[0]).value)
    table = _table(records, series[::-1])
    with canvas(0.62 + 2 * (0.42 + 0.235 * len(series)), rows=2) as (figure, panels):
        starts = [
            _panel(axes, records, series, metric)
            for axes, metric in zip(panels, SHOWN, strict=True)
        ]
    zero = "" if all(starts) else " The axes do not start at 0."
    best = theme.SERIES_LABELS[series[-1]]
    return Drawing(
        "accuracy_baselines",
        "Accuracy of the run and its baselines",
        figure,
        table,
        f"Each point is a mean over {count(accuracies.interactions('run'))} interactions. "
        f"{intervals_over(accuracies.users)} Intervals that overlap say little: "
        f"the table of differences below compares on the same users. Alone: the model ranks the "
        f"whole catalogue with the newest history.{zero}",
        f"Dot plot of NDCG@10 and HR@10 for {len(series)} series; the highest is {best}. "
        "All values are in the table that follows.",
    )


def _panel(axes: Axes, records: RunRecords, series: list[str], metric: str) -> bool:
    estimates = [records.accuracies.mean(name, metric) for name in series]
    for row, (name, estimate) in enumerate(zip(series, estimates, strict=True)):
        style = theme.style_of_series(name, records.policy_kind)
        colour = theme.colour(style.role)
        if estimate.low is not None and estimate.high is not None:
            axes.plot([estimate.low, estimate.high], [row, row], color=colour, linewidth=2.2)
        axes.plot(
            [estimate.value],
            [row],
            marker=style.marker,
            color=colour,
            markerfacecolor=colour if style.filled else theme.colour("paper"),
            markeredgewidth=1.4,
            linestyle="none",
        )
    labels = [theme.SERIES_LABELS[name] for name in series]
    axes.set_yticks(range(len(series)), labels, color=theme.colour("ink"))
    for label, name in zip(axes.get_yticklabels(), series, strict=True):
        label.set_fontweight("bold" if name == "run" else "normal")
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.6, len(series) - 0.4)
    name_y_axis(axes, f"{metric.upper()}, mean over interactions")
    lows = [e.value if e.low is None else e.low for e in estimates]
    highs = [e.value if e.high is None else e.high for e in estimates]
    return frame_values(axes.set_xlim, lows, highs)


def _table(records: RunRecords, series: list[str]) -> pd.DataFrame:
    rows = []
    for name in series:
        for metric in METRICS:
            estimate = records.accuracies.mean(name, metric)
            rows.append(
                {
                    "series": name,
                    "metric": metric,
                    "mean": estimate.value,
                    "ci95_low": estimate.low,
                    "ci95_high": estimate.high,
                    "interactions": records.accuracies.interactions(name),
                }
            )
    return pd.DataFrame(rows)
