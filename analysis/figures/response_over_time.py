"""How long requests took by when they were sent, and where the time went."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import faults, responses, stacks, theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.intervals import MIN_USERS
from analysis.numerals import count, seconds
from analysis.records import RunRecords
from analysis.stacks import Part
from analysis.timeline import unit_of_time

#: The figure has something to show where the median of some bin is off the run's by this factor.
NOTABLE = 1.25

#: Part of the response -> (name, colour's role, hatch for grey printing).
LOOKS = {
    "to_cloud_s": ("way to the cloud", "orange", "///"),
    "queue_s": ("queue", "vermillion", "xxx"),
    "service_s": ("service", "green", ""),
    "to_device_s": ("way back", "sky", "---"),
}


def draw(records: RunRecords) -> Drawing | None:
    """Draw quantiles and mean parts of response times; None where they hardly change over time."""
    table = responses.over_time(records)
    if not _changes(records, table):
        return None
    unit, size = unit_of_time(records.simulated_s)
    edges = np.append(table["start_s"].to_numpy(), table["end_s"].to_numpy()[-1]) / size
    with canvas(5.2, rows=2, sharex=True) as (figure, (top, bottom)):
        rows = faults.shade((top, bottom), faults.of_run(records), size, edges[-1] * size)
        _quantiles(top, table, edges, rows)
        _parts(bottom, table, edges)
        bottom.set_xlim(0, edges[-1])
        bottom.set_xlabel(f"simulated time when sent, {unit}")
        name_y_axis(top, "seconds until a list was there")
        name_y_axis(bottom, "of those answered: mean seconds by part")
    known = table.dropna(subset="p50_s")
    slowest, fastest = known["p50_s"].max(), known["p50_s"].min()
    width = f"{table['end_s'].iloc[0]:g} s"
    return Drawing(
        "response_over_time",
        "Response time over the run",
        figure,
        table,
        f"{count(table['requests'].sum())} requests by when they were sent, {width} a step: the "
        f"time within which half of them ({_shaded(records)}) and 95% had a list, "
        f"those that never had one counted as never, so a line breaks off where fewer had one; "
        f"steps with fewer than {responses.FEWEST} requests are left out. The median lies between "
        f"{seconds(fastest)} and {seconds(slowest)}. Below, where the time of the "
        f"{count(table['answered'].sum())} answered ones went; attempts in vain and the waits "
        f"after them are part of the way to the cloud.",
        f"Lines of the median and 95th percentile of response time over simulated time, the median "
        f"from {seconds(fastest)} to {seconds(slowest)}; below, stacked areas of its mean parts.",
    )


def _shaded(records: RunRecords) -> str:
    if len(records.users) < MIN_USERS:
        return f"no interval with fewer than {MIN_USERS} users"
    return "95% interval over users shaded"


def _changes(records: RunRecords, table: pd.DataFrame) -> bool:
    known = table["p50_s"].dropna()
    if known.empty:
        return False
    enough = table["requests"] >= responses.FEWEST
    failed = (enough & table["p50_s"].isna()).any()
    typical = float(known.median())
    return bool(failed or known.max() > NOTABLE * typical or faults.of_run(records))


def _quantiles(axes: Axes, table: pd.DataFrame, edges: np.ndarray, rows: int) -> None:
    blue, orange = theme.colour("blue"), theme.colour("orange")
    axes.stairs(
        table["ci95_high_s"],
        edges,
        baseline=table["ci95_low_s"].to_numpy(),
        fill=True,
        color=blue,
        alpha=0.25,
    )
    axes.stairs(
        table["p50_s"], edges, baseline=None, color=blue, linewidth=1.8, label="half had one"
    )
    axes.stairs(
        table["p95_s"],
        edges,
        baseline=None,
        color=orange,
        linestyle=(0, (4, 2)),
        linewidth=1.4,
        label="95% had one",
    )
    highest = float(np.nanmax(table[["p50_s", "p95_s", "ci95_high_s"]].to_numpy()))
    lowest = float(np.nanmin(table["p50_s"]))
    if highest > 20 * lowest > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_ylim(lowest * 0.7, highest * 2.2)
    else:
        axes.set_ylim(0, max(1.25, 1.1 + 0.09 * rows) * highest)
    axes.legend(loc="upper right", frameon=False, fontsize=9)


def _parts(axes: Axes, table: pd.DataFrame, edges: np.ndarray) -> None:
    parts = [
        Part(label, table[name].fillna(0.0).to_numpy(), role, hatch)
        for name, (label, role, hatch) in LOOKS.items()
    ]
    axes.set_ylim(0, 1.35 * float(stacks.areas(axes, edges, parts).max()))
    axes.legend(loc="upper right", ncols=2, frameon=False, fontsize=9, columnspacing=1.2)
