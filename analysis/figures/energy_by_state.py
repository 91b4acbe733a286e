"""Where the device's energy went."""

import itertools

import numpy as np
import pandas as pd

from analysis import stacks
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.numerals import count, percent, scaled
from analysis.records import RunRecords
from analysis.stacks import Part

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
        per_device_j = table["per_device_j"].to_numpy()
        stacks.bars(axes, [Part("", per_device_j, "blue")])
        if by_radio:
            # Each radio's part, over the bars of all radios.
            parts = [
                Part(f"radio {radio}", table[f"{radio}_per_device_j"].to_numpy(), *look)
                for radio, look in zip(by_radio, itertools.cycle(RADIOS), strict=False)
            ]
            stacks.bars(axes, parts)
            stacks.key(figure, axes, columns=3)
        told = [
            f"{scaled(joules, 'J')} ({percent(share)})"
            for joules, share in zip(per_device_j, table["share"], strict=True)
        ]
        stacks.name_bars(axes, list(table["state"]), per_device_j, told, room=1.45)
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


def _idle_words(table: pd.DataFrame, devices: int) -> str:
    if "idle" not in set(table["state"]):
        return ""
    rest = float(table.loc[table["state"] != "idle", "all_devices_j"].sum())
    return (
        f" Idle is what screen and system take while a session lasts, whatever the recommender "
        f"does; its computing and its radio take {scaled(rest / devices, 'J')}, which is what the "
        f"table above counts."
    )
