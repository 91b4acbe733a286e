"""What became of requests, by when they were sent."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from analysis import faults, stacks, theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.numerals import count, percent, significant
from analysis.outcomes import OUTCOMES
from analysis.records import RunRecords
from analysis.stacks import Part
from analysis.timeline import outcomes_over_time, unit_of_time

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
    unit, size = unit_of_time(simulated_s)
    edges = np.append(table["start_s"].to_numpy(), table["end_s"].to_numpy()[-1]) / size
    retried = float(table["attempts_mean"].max()) > 1
    rows: dict[str, Any] = {"rows": 2, "height_ratios": (2, 1)} if retried else {}
    with canvas(4.8 if retried else 3.5, sharex=True, **rows) as (figure, (axes, *below)):
        rows_of_names = faults.shade((axes, *below), faults.of_run(records), size, simulated_s)
        parts = [
            Part(
                f"{name.replace('_', ' ')} {count(table[name].sum())}",
                table[name].to_numpy(),
                *LOOKS[name],
            )
            for name in present
        ]
        stacked = stacks.areas(axes, edges, parts)
        stacks.key(figure, axes, columns=3)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        room = max(1.25, 1.1 + 0.09 * rows_of_names) if rows_of_names else 1.05
        axes.set_ylim(0, room * float(stacked.max()))
        for each in below:
            each.stairs(
                table["attempts_mean"],
                edges,
                baseline=None,
                color=theme.colour("ink"),
                linewidth=1.6,
            )
            each.set_ylim(0, 1.15 * float(table["attempts_mean"].max()))
            name_y_axis(each, "attempts per request, mean")
        last = below[-1] if below else axes
        last.set_xlim(0, simulated_s / size)
        last.set_xlabel(f"simulated time when sent, {unit}")
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
        f"{count(total)} requests: {shares}.{_notes(table, failed)}{_attempts(records, retried)}",
        f"Stacked bars over time of {count(total)} requests by outcome: {shares}.",
    )


def _notes(table: pd.DataFrame, failed: int) -> str:
    notes = f" {count(failed)} brought the device no list." if failed else ""
    if table["superseded"].sum():
        notes += " A superseded reply came after its user's last interaction."
    return notes


def _attempts(records: RunRecords, retried: bool) -> str:
    if not retried:
        return ""
    attempts = records.requests["attempts"]
    return (
        f" {percent(float((attempts > 1).mean()))} of requests were sent more than once; there "
        f"were {count(attempts.sum())} attempts in all, {significant(float(attempts.mean()))} a "
        f"request in the mean."
    )
