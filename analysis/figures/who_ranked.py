"""Who ordered what users saw, over time and by battery, and what that was worth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis import stacks, theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.intervals import totals_by_user
from analysis.metrics import HEADLINE, values
from analysis.numerals import count, percent
from analysis.records import RunRecords
from analysis.stacks import Part
from analysis.stored_columns import whole_numbers
from analysis.timeline import bin_edges, unit_of_time

#: Who ranked -> (in words, colour's role, hatch for grey printing).
LOOKS = {
    "fusion": ("re-ranked on the device", "blue", ""),
    "llm": ("in the LLM's order", "orange", "///"),
    "popularity": ("by popularity", "grey", "xxx"),
}
BATTERY_STEP = 0.05

#: Of fewer interactions than this no shares are drawn: they would jump about.
FEWEST = 20


def draw(records: RunRecords) -> Drawing | None:
    """Draw shares by who ranked; None where devices re-ranked everything."""
    frame = records.interactions
    if (frame["ranked_by"] == "fusion").all():
        return None
    column = frame["ranked_by"]
    ranked_by = {name: (column == name).to_numpy(dtype=np.bool_) for name in LOOKS}
    over_time = _over_time(records, ranked_by)
    by_battery = _by_battery(records, ranked_by)
    table = over_time if by_battery is None else by_battery
    present = [name for name in LOOKS if ranked_by[name].any()]
    rows = 1 if by_battery is None else 3
    unit, size = unit_of_time(records.simulated_s)
    with canvas(3.2 if rows == 1 else 7.2, rows=rows) as (figure, axes):
        edges = np.append(over_time["start_s"].to_numpy(), records.simulated_s)
        _stack(axes[0], over_time, edges / size, present)
        axes[0].set_xlim(0, records.simulated_s / size)
        axes[0].set_xlabel(f"simulated time, {unit}")
        if by_battery is not None:
            _battery(axes[1], axes[2], by_battery, present, records)
        for each in axes[:2]:
            each.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
            each.set_ylim(0, 1)
            name_y_axis(each, "share of interactions")
        stacks.key(figure, axes[0], columns=2)
    shares = ", ".join(
        f"{LOOKS[name][0]} {percent(float(ranked_by[name].mean()))}" for name in present
    )
    return Drawing(
        "who_ranked",
        "Who ranked what users saw",
        figure,
        table,
        f"{count(len(frame))} interactions: {shares}. Shares of fewer than {FEWEST} are left out."
        f"{_battery_words(by_battery)}",
        f"Stacked shares of interactions by who ranked, over time: {shares}.",
    )


def _over_time(records: RunRecords, ranked_by: Mapping[str, NDArray[np.bool_]]) -> pd.DataFrame:
    edges = bin_edges(records.simulated_s)
    decision_s = records.interactions["decision_s"].to_numpy(dtype=np.float64)
    counts = {name: np.histogram(decision_s[ranked_by[name]], edges)[0] for name in LOOKS}
    return pd.DataFrame({"start_s": edges[:-1], "end_s": edges[1:], **counts})


def _by_battery(
    records: RunRecords, ranked_by: Mapping[str, NDArray[np.bool_]]
) -> pd.DataFrame | None:
    """Return who ranked, and how well, by the charge at the decision; None without batteries."""
    frame = records.interactions
    if "battery_share" not in frame:
        return None
    charge = frame["battery_share"].to_numpy(dtype=np.float64)
    step = np.floor(charge / BATTERY_STEP + 1e-6).astype(np.int64)
    step = np.minimum(step, round(1 / BATTERY_STEP) - 1)  # a full battery is in the last one
    steps = np.arange(step.min(), step.max() + 1)
    column = step - steps[0]
    counts = {name: np.bincount(column[ranked_by[name]], minlength=len(steps)) for name in LOOKS}
    row = records.interaction_user_row
    value = values(whole_numbers(frame["rank"]))
    shape = (len(records.users), len(steps))
    estimates = records.resamples.ratios(
        totals_by_user(row, column, value, shape),
        totals_by_user(row, column, np.ones(len(row)), shape),
    ).estimates()
    return pd.DataFrame(
        {
            "charge_from": steps * BATTERY_STEP,
            "charge_to": (steps + 1) * BATTERY_STEP,
            "interactions": np.bincount(column, minlength=len(steps)),
            **counts,
            HEADLINE: [each.value for each in estimates],
            "ci95_low": np.array([each.low for each in estimates], dtype=np.float64),
            "ci95_high": np.array([each.high for each in estimates], dtype=np.float64),
        }
    )


def _stack(axes: Axes, table: pd.DataFrame, edges: np.ndarray, present: list[str]) -> None:
    total = table[list(LOOKS)].sum(axis=1).to_numpy()
    total = np.where(total >= FEWEST, total, np.inf)
    parts = [
        Part(f"{words} {count(table[name].sum())}", table[name].to_numpy() / total, role, hatch)
        for name in present
        for words, role, hatch in [LOOKS[name]]
    ]
    stacks.areas(axes, edges, parts)


def _battery(
    middle: Axes, bottom: Axes, table: pd.DataFrame, present: list[str], records: RunRecords
) -> None:
    edges = np.append(table["charge_from"].to_numpy(), table["charge_to"].to_numpy()[-1])
    _stack(middle, table, edges, present)
    centre = (table["charge_from"] + table["charge_to"]) / 2
    blue = theme.colour("blue")
    bottom.vlines(centre, table["ci95_low"], table["ci95_high"], color=blue, linewidth=2.2)
    bottom.plot(centre, table[HEADLINE], color=blue, marker="o", linestyle="none")
    bottom.set_ylim(0, 1.15 * float(np.nanmax(table[["ci95_high", HEADLINE]].to_numpy())))
    name_y_axis(bottom, f"{HEADLINE.upper()} of what was shown")
    floors = records.scenario["devices"]["battery"]
    for axes in (middle, bottom):
        axes.set_xlim(edges[0], edges[-1])
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        for floor in (floors["saver_below"], floors["stop_below"]):
            if edges[0] < floor < edges[-1]:
                axes.axvline(floor, color=theme.colour("ink"), linestyle=(0, (5, 2)), linewidth=1.2)
    bottom.set_xlabel("charge at the decision, share of a full battery")


def _battery_words(table: pd.DataFrame | None) -> str:
    if table is None:
        return ""
    return (
        " Below, the same by the battery's charge, in steps of 5%, with the app's two floors "
        "dashed, and the accuracy at each charge with 95% intervals over users (none where fewer "
        "than 30 users had that charge). Charges at the start were drawn without regard to users, "
        "so what differs between charges is what saving does, apart from how far sessions had come."
    )
