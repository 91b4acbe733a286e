"""What became of requests, by when they were sent."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from analysis import theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.numerals import count, percent
from analysis.records import RunRecords
from analysis.summary import OUTCOMES
from analysis.timeline import outcomes_over_time

#: Outcome -> (colour's role, hatch for grey printing).
LOOKS = {
    "delivered": ("blue", ""),
    "superseded": ("sky", "---"),
    "timed_out": ("vermillion", "///"),
    "rejected": ("orange", "xxx"),
    "lost": ("purple", "\\\\"),
    "in_flight": ("grey", "|||"),
}


def draw(records: RunRecords) -> Drawing | None:
    """Draw requests by time sent, stacked by outcome; None where nothing was requested."""
    if records.requests.empty:
        return None
    simulated_s = float(records.summary["engine"]["simulated_s"])
    table = outcomes_over_time(records.requests, simulated_s)
    present = [name for name in LOOKS if table[name].sum()]
    unit, size = ("min", 60.0) if simulated_s >= 600 else ("s", 1.0)
    edges = [*(table["start_s"] / size), table["end_s"].iloc[-1] / size]
    with canvas(3.5) as (figure, (axes,)):
        base = np.zeros(len(table))
        for name in present:
            role, hatch = LOOKS[name]
            axes.stairs(
                base + table[name].to_numpy(),
                edges,
                baseline=base,
                fill=True,
                facecolor=theme.colour(role),
                edgecolor=theme.colour("paper"),
                hatch=hatch,
                linewidth=0,
                label=f"{name.replace('_', ' ')} {count(table[name].sum())}",
            )
            base = base + table[name].to_numpy()
        figure.legend(
            loc="outside upper left", ncols=3, frameon=False, handlelength=1.4, columnspacing=1.2
        )
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlim(0, simulated_s / size)
        axes.set_xlabel(f"simulated time when sent, {unit}")
        name_y_axis(axes, f"requests in {table['end_s'].iloc[0]:g} s")
    total = len(records.requests)
    failed = total - int(table["delivered"].sum()) - int(table["superseded"].sum())
    shares = ", ".join(
        f"{name.replace('_', ' ')} {percent(table[name].sum() / total)}"
        for name in OUTCOMES
        if table[name].sum()
    )
    return Drawing(
        "outcomes_over_time",
        "Outcomes of requests over time",
        figure,
        table,
        f"{count(total)} requests: {shares}.{_notes(table, failed)}",
        f"Stacked bars over time of {count(total)} requests by outcome: {shares}.",
    )


def _notes(table: pd.DataFrame, failed: int) -> str:
    notes = f" {count(failed)} brought the device no list." if failed else ""
    if table["superseded"].sum():
        notes += " A superseded reply came after its user's last interaction."
    return notes
