"""One panel of a trade-off: the lines of its policies, its reference lines and its bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import theme
from analysis.costs import Cost
from analysis.drawing import EndLabel, write_end_labels
from analysis.numerals import number
from analysis.panel import ENDS, Panel, with_ends
from analysis.theme import Style

#: A key of more lines than this covers what it explains.
MOST_INSIDE = 4

BOUND_LABEL = "hindsight bound, includes luck"


@dataclass(frozen=True)
class Look:
    """What the panels of one figure have in common.

    Attributes:
        emphasised: the series in colour, best first.
        styles: the look of each series.
        cost: the horizontal axis.
        costs: the least and the greatest cost in any panel.
        panels: how many there are.
    """

    emphasised: Sequence[str]
    styles: Mapping[str, Style]
    cost: Cost
    costs: tuple[float, float]
    panels: int


class TradeOffPanel:
    """The settings of one facet, as they are drawn."""

    def __init__(self, panel: Panel, settings: pd.DataFrame, look: Look) -> None:
        """Take a panel and its rows of the settings that have a `cost` and `pareto`."""
        self.panel = panel
        self.look = look
        self.settings = settings
        self.metric_name = panel.metric.upper()

    @cached_property
    def ends(self) -> pd.DataFrame:
        """The never and always worlds."""
        return self.settings[self.settings["series"].isin(ENDS)]

    @cached_property
    def bound(self) -> pd.DataFrame:
        """The settings of the bound."""
        return self.settings[self.settings["bound"]].sort_values("request_frequency")

    @property
    def has_bound(self) -> bool:
        """Whether there is a bound."""
        return len(self.bound) > 0

    @cached_property
    def grey(self) -> list[str]:
        """The series that are drawn thin and grey."""
        shown = self.settings.loc[~self.settings["bound"], "series"].unique()
        return sorted(set(map(str, shown)) - set(self.look.emphasised) - set(ENDS))

    @cached_property
    def references(self) -> dict[str, float]:
        """The height of each reference line."""
        beside = {
            name: self.panel.estimate(self.panel.reference(name)).value
            for name in self.panel.references
        }
        ends = {str(row["series"]): float(row["accuracy"]) for _, row in self.ends.iterrows()}
        return {**ends, **beside}

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The least and the greatest accuracy that the axis shows."""
        lows, highs = self._extent
        margin = 0.06 * (max(highs) - min(lows)) or 1e-3
        return max(0.0, min(lows) - margin), max(highs) + margin

    @cached_property
    def _extent(self) -> tuple[list[float], list[float]]:
        real = self.settings[~self.settings["bound"]]
        coloured = real[~real["series"].isin(self.grey)]
        ideal = [self.references[name] for name in ("always_ideal",) if name in self.references]
        low = [*coloured["low"].fillna(coloured["accuracy"]), *real["accuracy"], *ideal]
        high = [*coloured["high"].fillna(coloured["accuracy"]), *real["accuracy"], *ideal]
        return low, high

    @cached_property
    def bound_is_far(self) -> bool:
        """Whether the bound would squeeze everything else."""
        return self.has_bound and float(self.bound["accuracy"].max()) > self.limits[1]

    def draw(self, axes: Axes) -> bool:
        """Draw the lines; return whether the accuracy's axis starts at 0."""
        axes.set_ylim(*self.limits)
        self._frame_cost(axes)
        for series in self.grey:
            part = self._with_ends(series)
            axes.plot(
                part["cost"], part["accuracy"], color=theme.colour("grey"), linewidth=0.8, alpha=0.6
            )
        for order, series in enumerate(reversed(self.look.emphasised)):
            self._line(axes, self._with_ends(series), self.look.styles[series], 2.1 + 0.1 * order)
        for _, end in self.ends.iterrows():
            self._line(axes, end.to_frame().T, theme.style_of_policy(str(end["series"])), 3.0)
        front = self.settings[self.settings["pareto"]]
        axes.plot(
            front["cost"],
            front["accuracy"],
            linestyle="none",
            marker="o",
            markersize=11,
            markerfacecolor="none",
            markeredgecolor=theme.colour("ink"),
            markeredgewidth=0.9,
            zorder=5,
        )
        if self.has_bound and not self.bound_is_far:
            self._draw_bound(axes)
        return self.limits[0] == 0

    def _frame_cost(self, axes: Axes) -> None:
        cheapest, dearest = self.look.costs
        start = 0.0 if cheapest < 0.5 * dearest else cheapest
        axes.set_xlim(start - 0.03 * (dearest - start), dearest + 0.04 * (dearest - start))
        if self.look.cost.percent:
            step = 0.25 if self.look.panels > 2 else 0.1 if dearest < 0.6 else 0.2
            axes.set_xticks(np.arange(0, dearest * 1.04, step))
            axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")

    def _with_ends(self, series: str) -> pd.DataFrame:
        own = self.settings[self.settings["series"] == series]
        return with_ends(own, self.ends) if len(own) else own

    def _line(self, axes: Axes, part: pd.DataFrame, style: Style, zorder: float) -> None:
        colour = theme.colour(style.role)
        cost = part["cost"].to_numpy(dtype=np.float64)
        accuracy, low, high = (
            part[name].to_numpy(dtype=np.float64) for name in ("accuracy", "low", "high")
        )
        if len(part) > 2 and bool((np.diff(cost) >= 0).all()) and not np.isnan(low).any():
            alpha = 0.09 if len(self.look.emphasised) <= MOST_INSIDE else 0.05
            axes.fill_between(cost, low, high, color=colour, alpha=alpha, linewidth=0)
        else:
            axes.vlines(cost, low, high, color=colour, linewidth=1.1)
        own = ~part["series"].isin(ENDS).to_numpy() | (len(part) == 1)
        axes.plot(cost, accuracy, color=colour, linestyle=style.dash, zorder=zorder)
        axes.plot(
            cost[own],
            accuracy[own],
            color=colour,
            linestyle="none",
            marker=style.marker,
            markersize=5.5,
            zorder=zorder,
        )

    def _draw_bound(self, axes: Axes) -> None:
        style = theme.POLICIES["hindsight"]
        axes.plot(
            self.bound["cost"],
            self.bound["accuracy"],
            color=theme.colour(style.role),
            linestyle=style.dash,
            linewidth=1.6,
        )

    def draw_strip(self, axes: Axes, below: Axes) -> None:
        """Draw the bound on axes of its own above the others, with marks where the axis breaks."""
        self._draw_bound(axes)
        values = self.bound["accuracy"]
        pad = max(0.25 * float(values.max() - values.min()), 0.01 * float(values.max()))
        axes.set_ylim(float(values.min()) - pad, float(values.max()) + 2 * pad)
        axes.locator_params(axis="y", nbins=3)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0, labelbottom=False)
        last = float(self.bound.iloc[-1]["accuracy"])
        label = BOUND_LABEL.replace(", ", ",\n")
        write_end_labels(axes, [EndLabel(last, label, theme.POLICIES["hindsight"])])
        mark: dict[str, Any] = {
            "marker": [(-1, -0.6), (1, 0.6)],
            "markersize": 8,
            "linestyle": "none",
            "color": theme.colour("muted"),
            "clip_on": False,
        }
        axes.plot([0], [0], transform=axes.transAxes, **mark)
        below.plot([0], [1], transform=below.transAxes, **mark)

    def name_references(self, axes: Axes, beside: bool = True) -> None:
        """Draw reference lines, named right of the panel; those out of sight with their value.

        Args:
            axes: the panel's.
            beside: whether there is room for names.
        """
        low, high = axes.get_ylim()
        labels = []
        for name, value in sorted(self.references.items(), key=lambda named: named[1]):
            style, text = theme.style_of_series(name, name), theme.SERIES_LABELS[name]
            if low <= value <= high:
                axes.axhline(
                    value,
                    color=theme.colour(style.role),
                    linestyle=style.dash,
                    linewidth=1.1,
                    zorder=1.5,
                )
            else:
                text = f"{'↑' if value > high else '↓'} {text} {number(value, 3)}"
            labels.append(EndLabel(min(max(value, low), high), text, style))
        if self.bound_is_far and self.look.panels > 1:
            least, most = self.bound["accuracy"].min(), self.bound["accuracy"].max()
            text = f"↑ hindsight bound\n   {number(least, 3)} to {number(most, 3)}"
            labels.append(EndLabel(high, text, theme.POLICIES["hindsight"]))
        if beside:
            write_end_labels(axes, labels)

    @cached_property
    def key_entries(self) -> list[Line2D]:
        """A sample of each line, best first, and of what has no name beside it."""
        entries = [_sample(self.look.styles[s], s) for s in self.look.emphasised]
        if self.grey:
            entries.append(
                Line2D([], [], color=theme.colour("grey"), linewidth=0.8, label="other policies")
            )
        if self.has_bound and not self.bound_is_far:
            entries.append(_sample(theme.POLICIES["hindsight"], BOUND_LABEL))
        if self.look.panels > 2:
            entries += [
                _sample(theme.style_of_series(name, name), theme.SERIES_LABELS[name], marker="")
                for name in self.references
            ]
        return entries

    def write_key(self, figure: Figure, axes: Axes | None = None) -> None:
        """Write the key into the emptiest corner of axes; a long one above all of the figure."""
        above = axes is None or len(self.key_entries) > MOST_INSIDE
        where = figure if axes is None or above else axes
        key = where.legend(
            handles=self.key_entries,
            loc="outside upper left" if above else "best",
            ncols=2 if above else 1,
            fontsize=9.5,
            handlelength=2.6,
            frameon=not above,
            facecolor=theme.colour("paper"),
            edgecolor="none",
            framealpha=0.8,
            borderpad=0.3,
            labelspacing=0.35,
        )
        key.set_zorder(6)


def _sample(style: Style, label: str, marker: str | None = None) -> Line2D:
    dash: Any = style.dash
    return Line2D(
        [],
        [],
        color=theme.colour(style.role),
        linestyle=dash,
        marker=style.marker if marker is None else marker,
        markersize=5.5,
        label=label,
    )
