"""Where the time of a response went: of all, and of the slowest."""

import numpy as np
import pandas as pd

from analysis import responses, stacks
from analysis.drawing import Drawing, canvas
from analysis.figures.response_over_time import LOOKS
from analysis.numerals import count, seconds
from analysis.records import RunRecords
from analysis.stacks import Part

SLOWEST = 0.05


def draw(records: RunRecords) -> Drawing | None:
    """Draw mean parts of response times; None where hardly any took time."""
    table = _table(records)
    if table is None:
        return None
    with canvas(2.3) as (figure, (axes,)):
        parts = [
            Part(words, table[name].to_numpy(), role, hatch)
            for name, (words, role, hatch) in LOOKS.items()
        ]
        took_s = stacks.bars(axes, parts)
        told = [seconds(each) for each in took_s]
        stacks.name_bars(axes, list(table["of"]), took_s, told, room=1.2)
        axes.set_xlabel("mean seconds of a response")
        stacks.key(figure, axes, columns=2)
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
        f"{seconds(float(took_s[1]))}. The ways contain the radio's waking up, the round trip, the "
        f"bytes' crossing, {_coverage(records)}and attempts in vain with the waits after them.",
        f"Stacked bars of mean response time by part: {seconds(float(took_s[0]))} of all, "
        f"{seconds(float(took_s[1]))} of the slowest.",
    )


def _coverage(records: RunRecords) -> str:
    """Name the wait for coverage among the parts of a way, where coverage came and went."""
    return "" if records.coverage is None else "waiting for coverage, "


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
