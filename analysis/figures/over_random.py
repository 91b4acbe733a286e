"""What each policy gains over random at the same request frequency, a small panel per policy."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import policy_gains, theme
from analysis.drawing import Drawing, canvas, in_file_name, name_y_axis
from analysis.numerals import MINUS, count, intervals_over, with_interval
from analysis.panel import Curve, Panel
from analysis.policy_gains import RANDOM, Gain
from analysis.sweep_records import SweepRecords
from analysis.theme import Style

#: Frequencies at which a difference is drawn between the settings' own.
STEP = 0.025
TITLE_FITS = 27


def draw(sweep: SweepRecords, position: int = 0) -> Drawing | None:
    """Draw the differences of one facet; None without `random` or anything to compare it with.

    Args:
        sweep: with its panels.
        position: of the facet among the sweep's.
    """
    panel = sweep.panels[position]
    gains = [gain for gain in policy_gains.gains([panel]) if not gain.bound]
    if not gains:
        return None
    lines = {gain.series: _line(panel, gain) for gain in gains}
    styles = theme.styles_of_policies(sweep.kinds)
    columns = 2 if len(gains) > 1 else 1
    rows = -(-len(gains) // columns)
    with canvas(0.6 + 1.75 * rows, rows=rows, columns=columns, sharex=True, sharey=True) as (
        figure,
        axes,
    ):
        for each, gain in zip(axes, gains, strict=False):
            _panel(each, lines[gain.series], styles[gain.series])
            name_y_axis(each, textwrap.fill(gain.series, TITLE_FITS))
            each.title.set_color(theme.colour("ink"))
        for each in axes[len(gains) :]:
            each.set_visible(False)
            # What stands above an empty place is the last of its column.
            axes[len(gains) - 2].tick_params(labelbottom=True)
        figure.supxlabel("request frequency", fontsize=10, color=theme.colour("muted"))
    facet = f", {panel.facet}" if panel.facet else ""
    return Drawing(
        in_file_name("over_random", panel.facet),
        f"{sweep.metric.upper()} gained over asking at random{facet}",
        figure,
        pd.concat(list(lines.values()), ignore_index=True),
        _caption(sweep, panel, gains),
        f"{len(gains)} small panels of the difference to random against request frequency: "
        + "; ".join(f"{g.series} {with_interval(g.over_random, signed=True)}" for g in gains),
        "from analysis.figures import over_random; from analysis.sweep_records import read; "
        f"over_random.draw({sweep.code}, {position})",
    )


def _line(panel: Panel, gain: Gain) -> pd.DataFrame:
    curve, base = panel.curves[gain.series], panel.curves[RANDOM]
    rows = []
    for frequency in _frequencies(curve, base, gain):
        lead = panel.estimate(curve.at(frequency) - base.at(frequency))
        own = bool(np.isclose(frequency, curve.frequency).any())
        rows.append((gain.series, frequency, lead.value, lead.low, lead.high, own))
    columns = ["policy", "frequency", "difference", "low", "high", "setting"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"low": "float64", "high": "float64"})


def _frequencies(curve: Curve, base: Curve, gain: Gain) -> Sequence[float]:
    """Return where a difference can bend, and a grid between, within what both reach."""
    knots = np.concatenate(
        [curve.frequency, base.frequency, np.arange(0, 1, STEP), [gain.low, gain.high]]
    )
    return [float(f) for f in np.unique(knots[(knots >= gain.low) & (knots <= gain.high)])]


def _panel(axes: Axes, line: pd.DataFrame, style: Style) -> None:
    colour = theme.colour(style.role)
    axes.axhline(0, color=theme.colour("muted"), linewidth=1.0)
    axes.fill_between(
        line["frequency"], line["low"], line["high"], color=colour, alpha=0.2, linewidth=0
    )
    axes.plot(line["frequency"], line["difference"], color=colour, linestyle=style.dash)
    own = line[line["setting"]]
    axes.plot(
        own["frequency"],
        own["difference"],
        color=colour,
        linestyle="none",
        marker=style.marker,
        markersize=5,
    )
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    axes.yaxis.set_major_formatter(
        lambda value, _: f"{value:+.3g}".replace("-", MINUS) if value else "0"
    )
    axes.set_xlim(0, None)


def _caption(sweep: SweepRecords, panel: Panel, gains: Sequence[Gain]) -> str:
    better = [gain.series for gain in gains if gain.over_random.above_zero]
    seeds = ", all seeds of a user taken together" if sweep.replications > 1 else ""
    bands = intervals_over(panel.users, "Bands").rstrip(".")
    return (
        f"Above the line at 0 a policy is more accurate than random timing with the same number "
        f"of requests; the area between is its gain in the table. {bands}, paired{seeds}. "
        f"The interval of the mean gain lies above 0 for {count(len(better))} of "
        f"{count(len(gains))} policies."
    )
