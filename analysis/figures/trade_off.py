"""The trade-off of a sweep: accuracy against what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import swept_words, theme
from analysis.drawing import (
    Drawing,
    EndLabel,
    canvas,
    frame_values,
    name_y_axis,
    spread,
    write_end_labels,
)
from analysis.metrics import HEADLINE
from analysis.numerals import count, intervals_over, number
from analysis.sweep_records import SweepRecords

ACCURACY = f"accuracy.{HEADLINE}.mean"
REFERENCES = ("always_ideal", "popularity", "srm_full")
MOST_PANELS = 8

#: Characters of a panel's title that surely fit into its width, beside the accuracy's name.
TITLE_FITS = 48

#: Shares of the cost axis: how far it starts left of 0 (of the dearest cost), between a line's end
#: and its name, and of a bold character where names of references take the most width.
LEFT, NAME_GAP, CHARACTER_WIDTH = 0.03, 0.035, 0.032
LONGEST_LINE = 12


@dataclass(frozen=True)
class Cost:
    """Something that accuracy is paid with.

    Attributes:
        name: of the figure's files.
        title: of the figure.
        axis: the horizontal axis's name, with its unit.
        columns: columns of a setting that are added up.
        per: the column that the sum is divided by, or none.
        factor: what the quotient is multiplied by.
        percent: whether the axis is labelled in percent.
    """

    name: str
    title: str
    axis: str
    columns: tuple[str, ...]
    per: str = ""
    factor: float = 1.0
    percent: bool = False

    def of(self, settings: pd.DataFrame) -> "pd.Series[float] | None":
        """Return this cost of each setting; None where the sweep does not know it."""
        if any(column not in settings for column in self.columns):
            return None
        total = settings[list(self.columns)].astype(float).sum(axis=1, skipna=False)
        return self.factor * (total / settings[self.per] if self.per else total)


FREQUENCY = Cost(
    "trade_off",
    "Accuracy against request frequency",
    "request frequency: requests / interactions",
    ("request_frequency",),
    percent=True,
)

ENERGY = Cost(
    "trade_off_energy",
    "Accuracy against energy",
    "energy per device, J",
    ("energy_j.per_device",),
)

FURTHER = (
    Cost(
        "trade_off_response",
        "Accuracy against response time",
        "median response time, s",
        ("response_s.p50",),
    ),
    ENERGY,
    Cost(
        "trade_off_bytes",
        "Accuracy against bytes",
        "bytes per interaction, up and down",
        ("bytes.up", "bytes.down"),
        per="interactions",
    ),
    Cost(
        "trade_off_price",
        "Accuracy against price",
        "price of the cloud per 1,000 interactions, USD",
        ("cloud.cost_usd",),
        per="interactions",
        factor=1000.0,
    ),
)


def draw(sweep: SweepRecords, cost: Cost = FREQUENCY) -> Drawing | None:
    """Draw accuracy against a cost, a line per policy kind; None where the cost never varies."""
    settings = sweep.settings
    values = cost.of(settings)
    if values is None:
        return None
    settings = settings.assign(cost=values).dropna(subset=["cost", ACCURACY])
    if settings["cost"].nunique() < 2:
        return None
    settings = settings.assign(pareto=_pareto(settings))
    facets = [facet for facet in sweep.facets if (settings["facet"] == facet).any()][:MOST_PANELS]
    dearest = float(settings["cost"].max())
    with canvas(0.7 + 3.6 * len(facets), rows=len(facets), sharex=True) as (figure, panels):
        starts = [
            _panel(axes, sweep, settings[settings["facet"] == facet], facet, cost, dearest)
            for axes, facet in zip(panels, facets, strict=True)
        ]
        titles = swept_words.shortened(facets, TITLE_FITS)
        for axes, title in zip(panels, titles, strict=True):
            name_y_axis(axes, HEADLINE.upper() + (f", {title}" if title else ""))
        panels[-1].set_xlabel(cost.axis)
    table = _table(settings, cost)
    return Drawing(
        cost.name,
        cost.title,
        figure,
        table,
        _caption(sweep, settings, facets) + ("" if all(starts) else _NOT_FROM_ZERO),
        f"{cost.title}: lines of {len(settings)} settings for the policies "
        f"{', '.join(sorted(settings['kind'].unique()))}; the table that follows has all values.",
        "from analysis.figures import trade_off; from analysis.sweep_records import read; "
        f'trade_off.draw(read("."), trade_off.{_name_of(cost)})',
    )


_NOT_FROM_ZERO = " The vertical axis does not start at 0."


def _name_of(cost: Cost) -> str:
    return "FREQUENCY" if cost is FREQUENCY else f"FURTHER[{FURTHER.index(cost)}]"


def _panel(
    axes: Axes,
    sweep: SweepRecords,
    settings: pd.DataFrame,
    facet: str,
    cost: Cost,
    dearest: float,
) -> bool:
    from_zero = frame_values(
        axes.set_ylim,
        settings["low"].fillna(settings[ACCURACY]).tolist(),
        settings["high"].fillna(settings[ACCURACY]).tolist(),
    )
    axes.set_xlim(-LEFT * dearest, _right(settings) * dearest)
    if cost.percent:
        axes.set_xticks(
            [tick for tick in np.linspace(0, 1, 6 if dearest < 0.6 else 5) if tick <= 1.1 * dearest]
        )
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
    for kind, part in settings.groupby("kind", sort=True):
        _line(axes, part, theme.style_of_policy(str(kind), sweep.kinds))
    front = settings[settings["pareto"]]
    axes.plot(
        front["cost"],
        front[ACCURACY],
        linestyle="none",
        marker="o",
        markersize=12,
        markerfacecolor="none",
        markeredgecolor=theme.colour("ink"),
        markeredgewidth=1.0,
        zorder=5,
    )
    _label_lines(axes, settings)
    _draw_references(axes, sweep, facet)
    return from_zero


def _draw_references(axes: Axes, sweep: SweepRecords, facet: str) -> None:
    """Draw reference lines; those out of sight are named at the edge, with their value."""
    low, high = axes.get_ylim()
    labels = []
    for name, value in sorted(_references(sweep, facet), key=lambda named: named[1]):
        style, text = theme.REFERENCES[name], theme.SERIES_LABELS[name]
        if low <= value <= high:
            axes.axhline(value, color=theme.colour(style.role), linestyle=style.dash, linewidth=1.3)
        else:
            text = f"{'↑' if value > high else '↓'} {text} {number(value, 3)}"
        labels.append(EndLabel(min(max(value, low), high), text, style))
    write_end_labels(axes, labels)


def _line(axes: Axes, part: pd.DataFrame, style: theme.Style) -> None:
    colour = theme.colour(style.role)
    interval = part.dropna(subset=["low", "high"])
    if len(interval) > 1:
        axes.fill_between(
            interval["cost"], interval["low"], interval["high"], color=colour, alpha=0.16, lw=0
        )
    axes.vlines(interval["cost"], interval["low"], interval["high"], color=colour, linewidth=1.2)
    axes.plot(part["cost"], part[ACCURACY], color=colour, linestyle=style.dash, marker=style.marker)


def _right(settings: pd.DataFrame) -> float:
    """Return where the cost axis ends, in the dearest setting's cost, so that names fit in."""
    width = max(
        CHARACTER_WIDTH * len(line)
        for kind in settings["kind"].unique()
        for line in _name(str(kind)).split("\n")
    )
    return (1 + LEFT) / (1 - NAME_GAP - min(width, 0.5)) - LEFT


def _name(kind: str) -> str:
    """Return the name of a policy's line, a long one on two lines."""
    return kind.replace("_", "\n" if len(kind) > LONGEST_LINE else " ", 1).replace("_", " ")


def _label_lines(axes: Axes, settings: pd.DataFrame) -> None:
    """Name each line right of its dearest point; names that would touch are moved apart."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    ends = settings.loc[settings.groupby("kind", sort=True)["cost"].idxmax()].sort_values("cost")
    apart = ends["cost"].diff() > 0.24 * (right - left)
    for _, near in ends.groupby(apart.cumsum(), sort=True):
        group = near.sort_values(ACCURACY)
        wanted = [(y - low) / (high - low) for y in group[ACCURACY]]
        gap = 0.13 if any("\n" in _name(str(kind)) for kind in group["kind"]) else 0.07
        for (_, end), at in zip(group.iterrows(), spread(wanted, gap, 0.02, 0.98), strict=True):
            axes.annotate(
                _name(str(end["kind"])),
                (end["cost"], end[ACCURACY]),
                xytext=(group["cost"].max() + NAME_GAP * (right - left), low + at * (high - low)),
                textcoords="data",
                va="center",
                fontweight="bold" if end["swept"] else "normal",
                arrowprops={
                    "arrowstyle": "-",
                    "color": theme.colour("muted"),
                    "linewidth": 0.7,
                    "shrinkB": 5,
                },
                bbox={"facecolor": theme.colour("paper"), "edgecolor": "none", "pad": 0.8},
                zorder=6,
            )


def _references(sweep: SweepRecords, facet: str) -> list[tuple[str, float]]:
    part = sweep.points[sweep.points["facet"] == facet]
    found = []
    for name in REFERENCES:
        column = f"baselines.{name}.{HEADLINE}.mean"
        if column in part and part[column].notna().any():
            found.append((name, float(part[column].mean())))
    return found


def _pareto(settings: pd.DataFrame) -> list[bool]:
    """Return, per setting, that none in its facet costs no more and is more accurate."""
    marks = []
    for _, row in settings.iterrows():
        same = settings["facet"] == row["facet"]
        no_dearer, no_worse = settings["cost"] <= row["cost"], settings[ACCURACY] >= row[ACCURACY]
        better = (settings["cost"] < row["cost"]) | (settings[ACCURACY] > row[ACCURACY])
        marks.append(not bool((same & no_dearer & no_worse & better).any()))
    return marks


def _caption(sweep: SweepRecords, settings: pd.DataFrame, facets: Sequence[str]) -> str:
    swept = int(settings["swept"].sum())
    if sweep.replications > 1:
        band = f"Bands and bars are the range over {sweep.replications} seeds."
    else:
        band = intervals_over(float(sweep.points["users"].max()), "Bands and bars")
    by_setting = sweep.points.groupby(["facet", "kind", "policy"], sort=False)["interactions"]
    together = " of all seeds together" if sweep.replications > 1 else ""
    cut = len(sweep.facets) - len(facets)
    rest = f" {cut} more panels are only in the table." if cut > 0 else ""
    return (
        f"Each marker is one of {count(swept)} swept settings, or the never or always world of "
        f"the same runs, on {count(by_setting.sum().max())} interactions{together}. {band} "
        f"Rings mark the Pareto front by point estimates: no setting is both cheaper and more "
        f"accurate.{rest}"
    )


def _table(settings: pd.DataFrame, cost: Cost) -> pd.DataFrame:
    columns = {
        "kind": "kind",
        "policy": "parameters",
        "facet": "setting",
        "cost": cost.axis.partition(":")[0],
        ACCURACY: HEADLINE,
        "low": "low",
        "high": "high",
        "pareto": "on the Pareto front",
    }
    table = settings[list(columns)].rename(columns=columns)
    if (table["setting"] == "").all():
        table = table.drop(columns="setting")
    table["on the Pareto front"] = np.where(table["on the Pareto front"], "yes", "")
    return table
