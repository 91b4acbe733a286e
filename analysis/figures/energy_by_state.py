"""Where the device's energy went."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.numerals import count, percent, scaled
from analysis.records import RunRecords

#: Looks of radios, where a run has several: (colour's role, hatch for grey printing).
RADIOS = (("blue", ""), ("orange", "///"), ("green", "xxx"), ("purple", "\\\\"))


def draw(records: RunRecords) -> Drawing | None:
    """Draw joules per device by what they were used for; None where no energy was used."""
    table = _table(records)
    total = float(table["all_devices_j"].sum())
    if not total:
        return None
    devices = records.summary["devices"]
    by_radio = records.baseline_worlds["run"].get("energy_by_radio_j") or {}
    with canvas(0.75 + 0.42 * len(table) + (0.3 if by_radio else 0.0)) as (figure, (axes,)):
        rows = list(range(len(table)))[::-1]
        axes.barh(rows, table["per_device_j"], height=0.6, color=theme.colour("blue"))
        if by_radio:
            _radios(axes, rows, table, list(by_radio))
            figure.legend(
                loc="outside upper left",
                ncols=3,
                frameon=False,
                handlelength=1.4,
                columnspacing=1.2,
            )
        for row, value, share in zip(rows, table["per_device_j"], table["share"], strict=True):
            axes.annotate(
                f"{scaled(value, 'J')} ({percent(share)})",
                (value, row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
            )
        axes.set_yticks(rows, table["state"], color=theme.colour("ink"))
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0, 1.45 * table["per_device_j"].max())
        axes.set_xlabel("joules per device")
        name_y_axis(axes, "energy per device over the run")
    return Drawing(
        "energy_by_state",
        "Energy of a device",
        figure,
        table,
        f"Mean over {count(devices)} devices; {scaled(total / devices, 'J')} each, "
        f"{scaled(total, 'J')} in all.{_idle_words(table, devices)} Simulated from the power "
        f"figures that the scenario's hardware and network name.",
        "Bars of energy per device: "
        + ", ".join(
            f"{name} {scaled(joules, 'J')}"
            for name, joules in zip(table["state"], table["per_device_j"], strict=True)
        )
        + ".",
    )


def _table(records: RunRecords) -> pd.DataFrame:
    devices, world = records.summary["devices"], records.baseline_worlds["run"]
    spent_j = {name: float(joules) for name, joules in world["energy_by_state_j"].items()}
    if "idle" in spent_j:
        spent_j = {"idle": spent_j["idle"], **spent_j}
    joules = np.array(list(spent_j.values()))
    table = pd.DataFrame(
        {
            "state": [name.replace("_", " ") for name in spent_j],
            "per_device_j": joules / devices,
            "all_devices_j": joules,
            "share": joules / (joules.sum() or 1.0),
        }
    )
    for radio, states in (world.get("energy_by_radio_j") or {}).items():
        own = [states.get(name.removeprefix("radio_"), 0.0) for name in spent_j]
        table[f"{radio}_per_device_j"] = np.array(own) / devices
    return table


def _radios(axes: Axes, rows: list[int], table: pd.DataFrame, radios: list[str]) -> None:
    """Draw each radio's part over the bars."""
    left = np.zeros(len(table))
    for number, radio in enumerate(radios):
        role, hatch = RADIOS[number % len(RADIOS)]
        own = table[f"{radio}_per_device_j"].to_numpy()
        axes.barh(
            rows,
            own,
            left=left,
            height=0.6,
            facecolor=theme.colour(role),
            edgecolor=theme.colour("paper"),
            hatch=hatch,
            linewidth=0,
            label=f"radio {radio}",
        )
        left = left + own


def _idle_words(table: pd.DataFrame, devices: int) -> str:
    if "idle" not in set(table["state"]):
        return ""
    rest = float(table.loc[table["state"] != "idle", "all_devices_j"].sum())
    return (
        f" Idle is what screen and system take while a session lasts, whatever the recommender "
        f"does; its computing and its radio take {scaled(rest / devices, 'J')}, which is what the "
        f"table above counts."
    )
