"""On which network devices were, or on none, over simulated time."""

import numpy as np

from analysis import stacks, theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.numerals import count, percent
from analysis.records import RunRecords
from analysis.timeline import unit_of_time

NO_COVERAGE = "none"
LOOKS = (
    ("blue", ""),
    ("sky", "---"),
    ("green", "///"),
    ("orange", "\\\\"),
    ("purple", "xxx"),
    ("yellow", "..."),
)


def draw(records: RunRecords) -> Drawing | None:
    """Draw the share of devices on each network; None where all always were on one."""
    if records.coverage is None:
        return None
    table = records.coverage.pivot_table(
        index="time_s", columns="regime", values="devices", observed=True, sort=False
    )
    devices = float(table.iloc[0].sum())
    unit, size = unit_of_time(records.simulated_s)
    names = [str(name) for name in table.columns]
    shares = [table[name].to_numpy() / devices for name in names]
    networks = [name for name in names if name != NO_COVERAGE]
    looks = dict(zip(networks, LOOKS * (1 + len(networks) // len(LOOKS)), strict=False))
    looks[NO_COVERAGE] = ("grey", "xxx")
    with canvas(3.5) as (figure, (axes,)):
        base = np.zeros(len(table))
        for name, share in zip(names, shares, strict=True):
            role, hatch = looks[name]
            axes.fill_between(
                table.index.to_numpy() / size,
                base,
                base + share,
                step="post",
                facecolor=theme.colour(role),
                edgecolor=theme.colour("paper"),
                hatch=hatch,
                linewidth=0,
                label=f"{_words(name)} {percent(float(share.mean()))}",
            )
            base = base + share
        stacks.key(figure, axes, columns=3)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.set_ylim(0, 1)
        axes.set_xlim(0, records.simulated_s / size)
        axes.set_xlabel(f"simulated time, {unit}")
        name_y_axis(axes, "share of devices")
    none = shares[names.index(NO_COVERAGE)] if NO_COVERAGE in names else np.zeros(1)
    means = ", ".join(
        f"{_words(name)} {percent(float(share.mean()))}"
        for name, share in zip(names, shares, strict=True)
    )
    return Drawing(
        "coverage_over_time",
        "Coverage over time",
        figure,
        table.rename(columns=str).reset_index(),
        f"{count(devices)} devices, looked at {count(len(table))} times in even steps: {means} in "
        f"the mean; {percent(float(none.max()))} of devices had no network at the worst of these "
        f"times. All devices are counted, also before and after their sessions.",
        f"Stacked areas of the share of devices on each network over time: {means} in the mean.",
    )


def _words(name: str) -> str:
    return {NO_COVERAGE: "no coverage", "network": "covered"}.get(name, name)
