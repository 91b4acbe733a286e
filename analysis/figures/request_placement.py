"""Where the run lies between never asking and always asking."""

import pandas as pd
from matplotlib.axes import Axes

from analysis import frequency, theme
from analysis.drawing import Drawing, canvas, frame_values, name_y_axis
from analysis.intervals import Estimate
from analysis.metrics import HEADLINE
from analysis.numerals import intervals_over, percent_with_interval, with_interval
from analysis.records import RunRecords


def draw(records: RunRecords) -> Drawing:
    """Draw accuracy against request frequency of never, the run and always."""
    points = [
        (name, Estimate(records.baseline_worlds[name]["request_frequency"], None, None))
        for name in ("never", "always")
    ]
    points.append(("run", frequency.of_requests(records)))
    with canvas(3.3) as (figure, (axes,)):
        accuracies = [records.accuracies.mean(name) for name, _ in points]
        from_zero = frame_values(
            axes.set_ylim,
            [e.value if e.low is None else e.low for e in accuracies],
            [e.value if e.high is None else e.high for e in accuracies],
        )
        bottom, top = axes.get_ylim()
        room = 0.1 * (top - bottom)
        axes.set_ylim(bottom if from_zero else bottom - room, top + room)
        axes.plot(
            [asked.value for _, asked in points[:2]],
            [accuracies[0].value, accuracies[1].value],
            color=theme.colour("muted"),
            linestyle=(0, (1, 3)),
            linewidth=1.4,
        )
        above = accuracies[2].value >= accuracies[0].value
        for name, asked in points:
            _point(axes, records, name, asked, above)
        axes.set_xlim(-0.04, max(1.0, 1.04 * max(asked.value for _, asked in points)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
        axes.set_xlabel("request frequency: requests / interactions")
        name_y_axis(axes, HEADLINE.upper())
    run, asked = records.accuracies.mean("run"), points[-1][1]
    return Drawing(
        "request_placement",
        "Accuracy against request frequency",
        figure,
        _table(records, points),
        f"The dotted line is what a blind mix would give: some users never ask, the others always. "
        f"Above it, the policy asks at the right moments; on it, it only asks often enough. "
        f"{intervals_over(len(records.users))}"
        + ("" if from_zero else " The vertical axis does not start at 0."),
        f"The run at {percent_with_interval(asked)} of interactions with {HEADLINE.upper()} "
        f"{with_interval(run)}, between never and always asking.",
    )


def _point(axes: Axes, records: RunRecords, name: str, asked: Estimate, run_above: bool) -> None:
    style = theme.style_of_series(name, records.policy_kind)
    colour = theme.colour(style.role)
    accuracy = records.accuracies.mean(name)
    if accuracy.low is not None and accuracy.high is not None:
        axes.plot([asked.value] * 2, [accuracy.low, accuracy.high], color=colour, linewidth=2.0)
    if asked.low is not None and asked.high is not None:
        axes.plot([asked.low, asked.high], [accuracy.value] * 2, color=colour, linewidth=2.0)
    axes.plot([asked.value], [accuracy.value], color=colour, marker=style.marker, markersize=8)
    label = theme.SERIES_LABELS[name]
    top = accuracy.value if accuracy.high is None else accuracy.high
    bottom = accuracy.value if accuracy.low is None else accuracy.low
    above = name != "never" and run_above
    axes.annotate(
        f"{label} ({records.policy_kind})" if name == "run" else label,
        (asked.value, top if above else bottom),
        xytext=(0, 5 if above else -5),
        textcoords="offset points",
        ha="left" if asked.value < 0.2 else "right" if asked.value > 0.8 else "center",
        va="bottom" if above else "top",
        fontweight="bold" if name == "run" else "normal",
    )


def _table(records: RunRecords, points: list[tuple[str, Estimate]]) -> pd.DataFrame:
    rows = []
    for name, asked in points:
        accuracy = records.accuracies.mean(name)
        rows.append(
            {
                "series": name,
                "request_frequency": asked.value,
                HEADLINE: accuracy.value,
                "ci95_low": accuracy.low,
                "ci95_high": accuracy.high,
            }
        )
    return pd.DataFrame(rows)
