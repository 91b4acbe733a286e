"""How attempts ended in the cloud, by when they ended."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from analysis import faults, stacks
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.numerals import count, percent
from analysis.records import RunRecords
from analysis.stacks import Part
from analysis.timeline import unit_of_time

#: How an attempt ended -> (in words, colour's role, hatch for grey printing).
LOOKS = {
    "served": ("served", "blue", ""),
    "rejected": ("rejected, queue full", "orange", "xxx"),
    "failed": ("refused or crashed", "purple", "\\\\"),
    "vanished": ("never answered", "vermillion", "///"),
    "dropped": ("given up while waiting", "grey", "|||"),
}


def draw(records: RunRecords) -> Drawing | None:
    """Draw attempts by the time of their end, stacked by how; None where all were served."""
    table = records.cloud_load[["start_s", "end_s", *LOOKS, "arrived"]]
    present = [name for name in LOOKS if table[name].sum()]
    if present in ([], ["served"]):
        return None
    unit, size = unit_of_time(records.simulated_s)
    edges = np.append(table["start_s"].to_numpy(), table["end_s"].to_numpy()[-1]) / size
    with canvas(3.7) as (figure, (axes,)):
        faults.shade((axes,), faults.of_cloud(records), size, records.simulated_s)
        parts = [
            Part(f"{words} {count(table[name].sum())}", table[name].to_numpy(), role, hatch)
            for name in present
            for words, role, hatch in [LOOKS[name]]
        ]
        total = stacks.areas(axes, edges, parts)
        stacks.key(figure, axes, columns=2)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(0, 1.15 * float(total.max()))
        axes.set_xlim(0, edges[-1])
        axes.set_xlabel(f"simulated time when they ended, {unit}")
        name_y_axis(axes, f"attempts in {table['end_s'].iloc[0]:g} s")
    arrived, requests = int(table["arrived"].sum()), len(records.requests)
    shares = ", ".join(
        f"{LOOKS[name][0]} {percent(table[name].sum() / arrived)}" for name in present
    )
    return Drawing(
        "attempts_over_time",
        "Attempts in the cloud over time",
        figure,
        table,
        f"A request is sent again after a failed attempt, so the cloud saw {count(arrived)} "
        f"attempts of {count(requests)} requests: {shares}. What is not served is work for nothing "
        f"on the links. One simulated run: no interval.",
        f"Stacked bars over time of {count(arrived)} attempts by how they ended: {shares}.",
    )
