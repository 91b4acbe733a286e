"""The cloud's queue and utilisation over simulated time."""

from analysis import load, theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.findings import SATURATED
from analysis.numerals import count, percent, significant
from analysis.records import RunRecords


def draw(records: RunRecords) -> Drawing | None:
    """Draw queue length and utilisation; None where the cloud never served anything."""
    table = load.over_time(records)
    if table is None:
        return None
    utilisation = records.summary["cloud"]["utilisation"]
    replicas = load.replicas(records)
    simulated_s = float(table["end_s"].iloc[-1])
    unit, size = ("min", 60.0) if simulated_s >= 600 else ("s", 1.0)
    edges = [*(table["start_s"] / size), table["end_s"].iloc[-1] / size]
    ink, blue = theme.colour("ink"), theme.colour("blue")
    with canvas(4.4, rows=2, sharex=True) as (figure, (top, bottom)):
        top.stairs(table["queue_length"], edges, color=blue, fill=True, alpha=0.25)
        top.stairs(table["queue_length"], edges, color=blue, linewidth=1.6, baseline=None)
        top.set_ylim(0, max(1.0, 1.1 * table["queue_length"].max()))
        name_y_axis(top, "requests waiting in the cloud's queue")
        bottom.stairs(table["utilisation"], edges, color=blue, fill=True, alpha=0.25)
        bottom.stairs(table["utilisation"], edges, color=blue, linewidth=1.6, baseline=None)
        bottom.axhline(SATURATED, color=ink, linestyle=(0, (5, 2)), linewidth=1.2)
        bottom.text(edges[-1], SATURATED - 0.03, "saturated: 95%", ha="right", va="top")
        bottom.set_ylim(0, 1.1)
        bottom.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])
        bottom.set_xlim(0, edges[-1])
        bottom.set_xlabel(f"simulated time, {unit}")
        name_y_axis(bottom, "busy replicas")
    width = f"{table['end_s'].iloc[0]:g} s"
    busiest = table["utilisation"].max()
    served = int(records.requests["service_start_s"].notna().sum())
    return Drawing(
        "cloud_load",
        "Cloud queue and utilisation over time",
        figure,
        table,
        f"Time averages over {width} each, from {count(served)} requests served by "
        f"{count(replicas)} replica{'s' if round(replicas) != 1 else ''}. Utilisation is "
        f"{percent(utilisation)} over the whole run and {percent(busiest)} in its busiest "
        f"{width}; the queue is longest at {significant(table['queue_length'].max())} requests. "
        f"One simulated run: no interval.",
        f"Two time lines: queue length up to {significant(table['queue_length'].max())} requests, "
        f"utilisation up to {percent(busiest)}.",
    )
