"""Parts of a whole: stacked over an axis in steps, or laid end to end along horizontal bars."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from analysis.theme import colour

#: Of the height of a bar's row, how much the bar takes.
_BAR = 0.6


@dataclass(frozen=True)
class Part:
    """One part of each whole.

    Attributes:
        label: what it is called in the key; empty where it is not to stand there.
        values: float64, shape [wholes].
        role: its colour's role.
        hatch: what tells it apart in grey printing.
    """

    label: str
    values: NDArray[np.float64]
    role: str
    hatch: str = ""


def areas(axes: Axes, edges: NDArray[np.float64], parts: Sequence[Part]) -> NDArray[np.float64]:
    """Stack parts in steps over an axis and return their sums, shape [steps].

    Args:
        axes: to draw in.
        edges: float64, shape [steps + 1]; the ends of the steps.
        parts: from the axis upwards.
    """
    base = np.zeros(len(edges) - 1)
    for part in parts:
        axes.stairs(
            base + part.values,
            edges,
            baseline=base,
            fill=True,
            facecolor=colour(part.role),
            edgecolor=colour("paper"),
            hatch=part.hatch,
            linewidth=0,
            label=part.label,
        )
        base = base + part.values
    return base


def bars(axes: Axes, parts: Sequence[Part]) -> NDArray[np.float64]:
    """Lay parts end to end along horizontal bars, the first one on top; return their lengths."""
    rows = np.arange(len(parts[0].values))[::-1]
    left = np.zeros(len(rows))
    for part in parts:
        axes.barh(
            rows,
            part.values,
            left=left,
            height=_BAR,
            facecolor=colour(part.role),
            edgecolor=colour("paper"),
            hatch=part.hatch,
            linewidth=0,
            label=part.label,
        )
        left = left + part.values
    return left


def name_bars(
    axes: Axes,
    names: Sequence[str],
    lengths: NDArray[np.float64],
    told: Sequence[str],
    room: float,
) -> None:
    """Write each bar's name at its left and what is told of it at its right.

    Args:
        axes: with bars drawn by `bars`.
        names: of the bars, the first one on top.
        lengths: of the bars, shape [bars].
        told: a text for each bar.
        room: how long the axis is, in lengths of the longest bar: the texts must fit.
    """
    rows = range(len(names))[::-1]
    for row, length, text in zip(rows, lengths, told, strict=True):
        axes.annotate(text, (length, row), xytext=(5, 0), textcoords="offset points", va="center")
    axes.set_yticks(rows, names, color=colour("ink"))
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0, room * float(lengths.max()))


def key(figure: Figure, axes: Axes, columns: int) -> None:
    """Write above a figure what the parts drawn in `axes` are called."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=columns,
        frameon=False,
        handlelength=1.4,
        columnspacing=1.2,
    )
