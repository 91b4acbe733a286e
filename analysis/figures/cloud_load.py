"""The cloud's queue and replicas over simulated time."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analysis import faults, load, theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.load import SATURATED
from analysis.numerals import count, percent, significant
from analysis.records import RunRecords
from analysis.timeline import unit_of_time


def draw(records: RunRecords) -> Drawing | None:
    """Draw queue length and replicas; None where the cloud never served anything."""
    table = load.over_time(records)
    if table is None:
        return None
    unit, size = unit_of_time(records.simulated_s)
    edges = np.append(table["start_s"].to_numpy(), table["end_s"].to_numpy()[-1]) / size
    blue = theme.colour("blue")
    with canvas(4.4, rows=2, sharex=True) as (figure, (top, bottom)):
        faults.shade((top, bottom), faults.of_cloud(records), size, records.simulated_s)
        top.stairs(table["waiting"], edges, color=blue, fill=True, alpha=0.25)
        top.stairs(table["waiting"], edges, color=blue, linewidth=1.6, baseline=None)
        room = 1.25 if faults.of_cloud(records) else 1.1
        top.set_ylim(0, max(1.0, room * table["waiting"].max()))
        name_y_axis(top, "requests waiting in the cloud's queue")
        if _replicas_change(records):
            _replicas(bottom, records, table, edges, size)
        else:
            _utilisation(bottom, table, edges)
        bottom.set_xlim(0, edges[-1])
        bottom.set_xlabel(f"simulated time, {unit}")
    width = f"{table['end_s'].iloc[0]:g} s"
    busiest, longest = table["utilisation"].max(), significant(table["waiting"].max())
    served = int(table["served"].sum())
    return Drawing(
        "cloud_load",
        "Cloud queue and replicas over time",
        figure,
        table,
        f"Time averages over {width} each, from {count(served)} requests served by "
        f"{_how_many(records)}. Replicas that were switched on were busy "
        f"{percent(records.summary['cloud']['utilisation'])} of the time over the whole run and "
        f"{percent(busiest)} in the busiest {width}; the queue is longest at {longest} requests. "
        f"{_shaded(records)}One simulated run: no interval.",
        f"Two time lines: queue length up to {longest} requests, utilisation up to "
        f"{percent(busiest)}.",
    )


def _replicas_change(records: RunRecords) -> bool:
    cloud = records.cloud
    return bool((cloud["replicas_on"].nunique() > 1) or (cloud["replicas_serving"].nunique() > 1))


def _utilisation(axes: Axes, table: pd.DataFrame, edges: np.ndarray) -> None:
    blue = theme.colour("blue")
    axes.stairs(table["utilisation"], edges, color=blue, fill=True, alpha=0.25)
    axes.stairs(table["utilisation"], edges, color=blue, linewidth=1.6, baseline=None)
    axes.axhline(SATURATED, color=theme.colour("ink"), linestyle=(0, (5, 2)), linewidth=1.2)
    axes.text(edges[-1], SATURATED - 0.03, "saturated: 95%", ha="right", va="top")
    axes.set_ylim(0, 1.1)
    axes.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])
    name_y_axis(axes, "busy replicas")


def _replicas(
    axes: Axes, records: RunRecords, table: pd.DataFrame, edges: np.ndarray, unit_s: float
) -> None:
    """Draw how many replicas were on, took requests, and worked."""
    cloud = records.cloud
    time = np.append(cloud["time_s"].to_numpy(), records.simulated_s) / unit_s
    blue, ink, orange = (theme.colour(role) for role in ("blue", "ink", "orange"))
    axes.stairs(table["busy_replicas"], edges, color=blue, fill=True, alpha=0.4, label="busy")
    for name, colour, dash, label in (
        ("replicas_on", orange, (0, (4, 2)), "switched on"),
        ("replicas_serving", ink, "-", "serving"),
    ):
        axes.stairs(
            cloud[name],
            time,
            baseline=None,
            color=colour,
            linestyle=dash,
            linewidth=1.6,
            label=label,
        )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(0, 1.35 * cloud["replicas_on"].max())
    axes.legend(loc="upper right", ncols=3, frameon=False, fontsize=9, columnspacing=1.2)
    name_y_axis(axes, "replicas")


def _how_many(records: RunRecords) -> str:
    on = records.cloud["replicas_on"]
    if on.nunique() == 1:
        return f"{count(on.iloc[0])} replica{'s' if on.iloc[0] != 1 else ''}"
    return f"{count(on.min())} to {count(on.max())} replicas"


def _shaded(records: RunRecords) -> str:
    named = dict.fromkeys(fault.name for fault in faults.of_cloud(records))
    return f"Shaded: {', '.join(named)}. " if named else ""
