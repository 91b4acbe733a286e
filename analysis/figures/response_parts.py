"""Where the time of a response went: of all, and of the slowest."""

import numpy as np
import pandas as pd

from analysis import responses, theme
from analysis.drawing import Drawing, canvas
from analysis.figures.response_over_time import LOOKS
from analysis.numerals import count, seconds
from analysis.records import RunRecords

SLOWEST = 0.05


def draw(records: RunRecords) -> Drawing | None:
    """Draw mean parts of response times; None where hardly any took time."""
    table = _table(records)
    if table is None:
        return None
    with canvas(2.3) as (figure, (axes,)):
        rows, left = [1, 0], np.zeros(2)
        for name, (words, role, hatch) in LOOKS.items():
            axes.barh(
                rows,
                table[name],
                left=left,
                height=0.6,
                facecolor=theme.colour(role),
                edgecolor=theme.colour("paper"),
                hatch=hatch,
                linewidth=0,
                label=words,
            )
            left = left + table[name].to_numpy()
        for row, total in zip(rows, left, strict=True):
            axes.annotate(
                seconds(total), (total, row), xytext=(5, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(rows, table["of"], color=theme.colour("ink"))
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0, 1.2 * left.max())
        axes.set_xlabel("mean seconds of a response")
        figure.legend(
            loc="outside upper left", ncols=2, frameon=False, handlelength=1.4, columnspacing=1.2
        )
    everyone, slowest = table.iloc[0], table.iloc[1]
    names = {name: words for name, (words, _, _) in LOOKS.items()}
    longest = max(names, key=lambda name: float(slowest[name]))
    return Drawing(
        "response_parts",
        "Where the time of a response goes",
        figure,
        table,
        f"Means of {count(everyone['requests'])} answered requests and of the slowest "
        f"{100 * SLOWEST:g}% of them, {count(slowest['requests'])}. What the slowest spend most of "
        f"their time on is “{names[longest]}”: {seconds(float(slowest[longest]))} of "
        f"{seconds(float(left[1]))}. The ways contain the radio's waking up, the round trip, the "
        f"bytes' crossing, and attempts in vain with the waits after them.",
        f"Stacked bars of mean response time by part: {seconds(float(left[0]))} of all, "
        f"{seconds(float(left[1]))} of the slowest.",
    )


def _table(records: RunRecords) -> pd.DataFrame | None:
    took_s = responses.time_to_list_s(records.requests)
    answered = np.isfinite(took_s)
    if answered.sum() < responses.FEWEST or not took_s[answered].max():
        return None
    slow = answered & (took_s >= np.quantile(took_s[answered], 1 - SLOWEST))
    parts = responses.parts_s(records.requests)
    return pd.DataFrame(
        {
            "of": ["all answered", f"slowest {100 * SLOWEST:g}%"],
            "requests": [int(answered.sum()), int(slow.sum())],
            **{
                name: [float(part[of].mean()) for of in (answered, slow)]
                for name, part in zip(responses.PARTS, parts, strict=True)
            },
        }
    )
