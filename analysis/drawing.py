"""A figure with everything a reader needs beside it, and its SVG, PNG and CSV."""

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from analysis.theme import COLOURS, Style, colour

#: Narrow, so that text stays readable where a phone scales the figure to its screen.
WIDTH_IN = 5.2

_SETTINGS: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "svg.fonttype": "none",
    "path.simplify": False,
    "text.color": colour("ink"),
    "axes.labelcolor": colour("muted"),
    "axes.edgecolor": colour("muted"),
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    # No ticks stand above: titles need not be moved out of their way, which is a layout each time.
    "axes.titley": 1.0,
    "grid.color": colour("faint"),
    "grid.linewidth": 0.8,
    "xtick.color": colour("muted"),
    "ytick.color": colour("muted"),
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
    "hatch.linewidth": 0.8,
    "figure.facecolor": "none",
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.06,
}


@dataclass(frozen=True)
class Drawing:
    """One figure and what stands beside it.

    Attributes:
        name: file name without ending; also the figure's anchor.
        title: what the figure shows, in a few words.
        figure: the drawn figure.
        table: the numbers in the figure.
        caption: what to see, with the count that it rests on.
        alt_text: what the figure shows, for those who cannot see it.
        made_by: the code that makes it, where that is not `draw` of the module of its name.
    """

    name: str
    title: str
    figure: Figure
    table: pd.DataFrame
    caption: str
    alt_text: str
    made_by: str = ""

    @property
    def code(self) -> str:
        """The line of code that makes the figure from the records of this directory."""
        made_by = self.made_by or (
            f"from analysis.figures import {self.name}; from analysis.records import read; "
            f'{self.name}.draw(read("."))'
        )
        return f'{made_by}.save(".")'

    def save(self, directory: str | Path, *, png: bool = True) -> None:
        """Write NAME.svg, NAME.csv and, by default, NAME.png, each whole or not at all."""
        directory = Path(directory)
        contents = {
            "svg": self.svg.encode(),
            "csv": self.table.to_csv(index=False, lineterminator="\n").encode(),
            **({"png": self._png()} if png else {}),
        }
        for ending, content in contents.items():
            final = directory / f"{self.name}.{ending}"
            unfinished = final.with_name(f".{final.name}.part")
            unfinished.write_bytes(content)
            os.replace(unfinished, final)

    @cached_property
    def svg(self) -> str:
        """The figure as an SVG document on light paper."""
        buffer = io.StringIO()
        with mpl.rc_context({**_SETTINGS, "svg.hashsalt": self.name}):
            # Not by `savefig`, which draws all twice: once to lay out what is laid out already.
            form: Any = FigureCanvasSVG(self.figure)
            form.print_svg(buffer, metadata={"Date": None, "Creator": None})
        return buffer.getvalue()

    def inline_svg(self) -> str:
        """Return the figure as an SVG element for a page, its colours as CSS variables."""
        svg = self.svg[self.svg.index("<svg") :]
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
        svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{self.name}-", svg)
        svg = re.sub(r"<svg [^>]*>", lambda tag: self._opening_tag(tag[0]), svg, count=1)
        svg = re.sub(r"font: ([^;\"]*?)'DejaVu Sans'[^;\"]*", r"font: \1var(--font)", svg)
        for role, (light, _) in COLOURS.items():
            svg = re.sub(light, f"var(--{role})", svg, flags=re.IGNORECASE)
        return svg.strip()

    def _opening_tag(self, document_tag: str) -> str:
        (view_box,) = re.findall(r'viewBox="[^"]*"', document_tag)
        namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        return f'<svg {namespaces} {view_box} role="img" aria-label="{escape(self.alt_text)}">'

    def _png(self) -> bytes:
        buffer = io.BytesIO()
        with mpl.rc_context(_SETTINGS):
            self.figure.savefig(
                buffer,
                format="png",
                dpi=200,
                metadata={"Software": None},
                facecolor=colour("paper"),
            )
        return buffer.getvalue()


@contextmanager
def canvas(
    height_in: float,
    rows: int = 1,
    width_in: float = WIDTH_IN,
    columns: int = 1,
    **subplots: Any,
) -> Iterator[tuple[Figure, list[Axes]]]:
    """Open a figure in this project's style; `rows` times `columns` axes, row by row.

    Figures are made without pyplot, which would keep them in a global list.
    """
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False, **subplots).ravel()
        yield figure, list(axes)
        # Laid out once: as an engine the layout would be worked out again for every format.
        layout = figure.get_layout_engine()
        if layout is not None:
            layout.execute(figure)
            figure.set_layout_engine("none")


def name_y_axis(axes: Axes, text: str) -> None:
    """Write the vertical axis's name above it, where it is read first and takes no width."""
    axes.set_title(text, loc="left", fontsize=10, color=colour("muted"), pad=8)


@dataclass(frozen=True)
class EndLabel:
    """A label at the right end of a line: at the height `y`, in the look of the line."""

    y: float
    text: str
    style: Style


def write_end_labels(axes: Axes, labels: Sequence[EndLabel], line_height: float = 0.066) -> None:
    """Write labels right of the axes, each beside its line, moved apart where they would touch.

    Args:
        axes: with its vertical limits set.
        labels: one per line, in any order.
        line_height: the least distance of two labels, as a share of the axes' height.
    """
    low, high = axes.get_ylim()
    ordered = sorted(labels, key=lambda label: label.y)
    wanted = [(label.y - low) / (high - low) for label in ordered]
    for label, at, placed in zip(
        ordered, wanted, spread(wanted, line_height, 0.0, 1.0), strict=True
    ):
        axes.plot(
            [1.0, 1.025, 1.045],
            [at, placed, placed],
            transform=axes.transAxes,
            color=colour(label.style.role),
            linewidth=1.2,
            clip_on=False,
        )
        axes.text(1.06, placed, label.text, transform=axes.transAxes, va="center", fontsize=9.5)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move ascending positions apart to at least `gap`, as little as possible (least squares).

    Less i gaps, positions `gap` apart are those that do not fall: an isotonic regression. All are
    then shifted into [low, high], as far as they fit.
    """
    steps = gap * np.arange(len(wanted))
    placed = np.asarray(isotonic_regression(np.asarray(wanted) - steps).x) + steps
    placed = np.maximum(placed, low + steps)
    placed = np.minimum(placed, high - steps[::-1])
    return [float(position) for position in placed]


def frame_values(
    set_limits: Callable[[float, float], object], lows: Sequence[float], highs: Sequence[float]
) -> bool:
    """Set an axis's limits to the values, from 0 unless that squeezes them.

    Args:
        set_limits: `axes.set_xlim` or `axes.set_ylim`.
        lows: the lower ends of what must be visible.
        highs: the upper ends.

    Returns:
        Whether the axis starts at 0.
    """
    low, high = min(lows), max(highs)
    from_zero = low <= 0 or high - low >= 0.4 * high
    margin = 0.08 * (high - (0 if from_zero else low)) or 1e-3
    bottom = low - margin if low < 0 or not from_zero else 0.0
    set_limits(bottom, high + margin)
    return from_zero


def in_file_name(*parts: str) -> str:
    """Join parts to the name of a figure's files, which is its anchor in a page too."""
    return re.sub(r"\W+", "_", "_".join(part for part in parts if part)).strip("_")
