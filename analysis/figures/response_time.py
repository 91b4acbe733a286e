"""How long requests took: from sent to received, and from sent to first used."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis import theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.numerals import count, percent, seconds
from analysis.records import RunRecords
from analysis.response_times import response_s, time_to_use_s
from analysis.theme import Style

SHARES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
MARKED = (0.50, 0.95, 0.99)

#: Points of a curve: those of a larger file would not be told apart.
POINTS = 400


def draw(records: RunRecords) -> Drawing | None:
    """Draw the empirical distribution functions; None where no request was answered."""
    response = np.sort(response_s(records.requests))
    to_use = np.sort(time_to_use_s(records.interactions, records.requests))
    if not len(response):
        return None
    with canvas(3.3) as (figure, (axes,)):
        _curve(axes, response, "sent to received", Style("blue", "o", "-"), below=False)
        if len(to_use):
            _curve(
                axes, to_use, "sent to first used", Style("orange", "s", (0, (5, 2))), below=True
            )
        widest = float(max(response[-1], to_use[-1] if len(to_use) else 0.0))
        if widest > 20 * max(float(np.quantile(response, 0.5)), 1e-3) and response[0] > 0:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.set_xlim(float(response[0]) * 0.8, widest * 1.2)
        else:
            axes.set_xlim(0, widest * 1.03 or 1.0)
        axes.set_ylim(0, 1.02)
        axes.set_yticks(np.arange(0, 1.01, 0.25), ["0", "25%", "50%", "75%", "100%"])
        axes.set_xlabel("seconds of simulated time")
        name_y_axis(axes, "share of requests that took at most this long")
    sent = len(records.requests)
    p50, p95 = np.quantile(response, [0.5, 0.95])
    used = (
        f" {count(len(to_use))} lists were used, half of them within "
        f"{seconds(float(np.median(to_use)))} of being asked for, which includes thinking."
        if len(to_use)
        else ""
    )
    return Drawing(
        "response_time",
        "Response time",
        figure,
        _table(response, to_use),
        f"Of {count(sent)} requests {count(len(response))} ({percent(len(response) / sent)}) were "
        f"answered in time to be taken: half within {seconds(float(p50))}, 95% within "
        f"{seconds(float(p95))}.{used} {_curves(len(response))}",
        f"Cumulative distribution of response time: median {seconds(float(p50))}, 95th percentile "
        f"{seconds(float(p95))}.",
    )


def _curves(requests: int) -> str:
    thinned = f" Curves go through {POINTS} quantiles." if requests > POINTS else ""
    return f"Requests that were not answered are in no curve.{thinned}"


def _curve(axes: Axes, values: NDArray[np.float64], name: str, style: Style, below: bool) -> None:
    share = np.linspace(0.0, 1.0, min(len(values), POINTS) + 1)[1:]
    at = np.quantile(values, share, method="inverted_cdf")
    axes.step(at, share, where="post", color=theme.colour(style.role), linestyle=style.dash)
    marked = np.quantile(values, MARKED)
    axes.plot(marked, MARKED, linestyle="none", marker=style.marker, color=theme.colour(style.role))
    height = 0.15 if below else 0.90
    axes.annotate(
        name,
        (float(np.quantile(values, height)), height),
        xytext=(9, -4),
        textcoords="offset points",
        va="center",
        bbox={"facecolor": theme.colour("paper"), "edgecolor": "none", "pad": 0.8, "alpha": 0.8},
    )


def _table(response: NDArray[np.float64], to_use: NDArray[np.float64]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "share_of_requests": SHARES,
            "sent_to_received_s": np.quantile(response, SHARES),
            "sent_to_first_used_s": np.quantile(to_use, SHARES) if len(to_use) else np.nan,
        }
    )
