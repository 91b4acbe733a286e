"""Dot plots: a row of names at the left, and in each row the estimates that belong to it."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.intervals import Estimate
from analysis.theme import Style, colour

#: Height of a row, and of each further estimate in it.
ROW_IN, ESTIMATE_IN = 0.17, 0.09

#: The share of a row's height that its estimates are spread over.
_SPREAD = 0.72


def rows_height_in(rows: int, estimates: int) -> float:
    """Return the height of so many rows, each with so many estimates."""
    return rows * (ROW_IN + ESTIMATE_IN * max(1, estimates))


def name_rows(axes: Axes, names: Sequence[str], bold: Sequence[bool]) -> None:
    """Name the rows 0 (at the top), 1, 2, ... and tell them apart by stripes."""
    axes.set_yticks(range(len(names)), names, color=colour("ink"))
    for label, heavy in zip(axes.get_yticklabels(), bold, strict=True):
        label.set_fontweight("bold" if heavy else "normal")
    axes.set_ylim(len(names) - 0.5, -0.5)
    for row in range(1, len(names), 2):
        axes.axhspan(row - 0.5, row + 0.5, color=colour("faint"), alpha=0.45, lw=0, zorder=0)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def place(row: int, position: int, count: int) -> float:
    """Return the height of the estimate at a position among the `count` of its row."""
    return row + _SPREAD * ((position + 0.5) / count - 0.5)


def dot(axes: Axes, estimate: Estimate, height: float, style: Style, filled: bool = True) -> None:
    """Draw an estimate and its interval."""
    shade = colour(style.role)
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [height, height], color=shade, linewidth=1.8)
    axes.plot([estimate.value], [height], color=shade, **_marker(style, filled))  # type: ignore[arg-type]


def key(figure: Figure, entries: Sequence[tuple[str, Style]]) -> None:
    """Write above the panels what each marker stands for."""
    handles = [
        Line2D([], [], label=label, color=colour(style.role), linewidth=1.8, **_marker(style))  # type: ignore[arg-type]
        for label, style in entries
    ]
    figure.legend(
        handles=handles,
        loc="outside upper left",
        frameon=False,
        fontsize=9.5,
        labelspacing=0.35,
        borderaxespad=0.2,
        borderpad=0.3,
    )


def _marker(style: Style, filled: bool = True) -> dict[str, object]:
    face = style.role if style.filled and filled else "paper"
    return {
        "marker": style.marker,
        "markersize": 5.5,
        "markerfacecolor": colour(face),
        "markeredgewidth": 1.3,
    }
