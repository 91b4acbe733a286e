"""Where the device's energy went."""

import pandas as pd

from analysis import theme
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.numerals import count, percent, scaled
from analysis.records import RunRecords


def draw(records: RunRecords) -> Drawing | None:
    """Draw joules per device by what they were used for; None where no energy was used."""
    devices = records.summary["devices"]
    states = {
        name.replace("_", " "): float(joules)
        for name, joules in records.baseline_worlds["run"]["energy_by_state_j"].items()
    }
    total = sum(states.values())
    if not total:
        return None
    table = pd.DataFrame(
        {
            "state": list(states),
            "per_device_j": [joules / devices for joules in states.values()],
            "all_devices_j": list(states.values()),
            "share": [joules / total for joules in states.values()],
        }
    )
    with canvas(0.75 + 0.42 * len(table)) as (figure, (axes,)):
        rows = range(len(table))[::-1]
        axes.barh(rows, table["per_device_j"], height=0.6, color=theme.colour("blue"))
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
        f"{scaled(total, 'J')} in all. Simulated from the power figures that the "
        f"scenario's hardware and network name.",
        "Bars of energy per device: "
        + ", ".join(f"{name} {scaled(j / devices, 'J')}" for name, j in states.items())
        + ".",
    )
