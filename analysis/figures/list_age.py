"""How old the lists were that users saw, and how accurate they were by age."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from analysis import theme
from analysis.categories import distinct
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.intervals import totals_by_user
from analysis.metrics import HEADLINE, values
from analysis.numerals import count, percent, significant
from analysis.records import RunRecords
from analysis.stored_columns import whole_numbers


def draw(records: RunRecords) -> Drawing | None:
    """Draw the share of interactions by list age and accuracy by list age; None with no ages."""
    table = _by_age(records)
    if table.empty:
        return None
    aged = int(table["interactions"].sum())
    ages = table["list_age_steps"].to_numpy()
    with canvas(4.6, rows=2, sharex=True, height_ratios=(1, 1.15)) as (figure, (top, bottom)):
        top.bar(ages, table["share"], color=theme.colour("blue"), width=0.8)
        top.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        name_y_axis(top, "share of interactions")
        blue = theme.colour("blue")
        bottom.vlines(ages, table["ci95_low"], table["ci95_high"], color=blue, linewidth=2.2)
        bottom.plot(ages, table[HEADLINE], color=blue, marker="o", linestyle="none")
        bottom.set_ylim(bottom=0)
        name_y_axis(bottom, f"{HEADLINE.upper()} of what was shown")
        bottom.set_xlabel("age of the list shown, steps")
        bottom.xaxis.set_major_locator(MaxNLocator(integer=True))
    mean = float(np.average(ages, weights=table["interactions"]))
    without = len(records.interactions) - aged
    popular = f" {count(without)} more interactions saw a popularity list." if without else ""
    return Drawing(
        "list_age",
        "Age of the lists shown",
        figure,
        table,
        f"{count(aged)} interactions saw a list {significant(mean)} steps old in the mean."
        f"{popular} Below, the accuracy at each age with 95% intervals over users (none where "
        f"fewer than 30 users have that age). The policy chose these ages, so differences between "
        f"them are not the effect of age: the freshness curve shows that.",
        f"Bars of the share of interactions by list age, mean {significant(mean)} steps, "
        f"{percent(float(table['share'].iloc[0]))} at age {ages[0]}; points of accuracy by age.",
    )


def _by_age(records: RunRecords) -> pd.DataFrame:
    frame = records.interactions
    age = frame["list_age_steps"]
    known = age.notna().to_numpy()
    ages, column = distinct(age[known].to_numpy(np.int64))
    value = values(whole_numbers(frame["rank"])[known])
    shape = (len(records.users), len(ages))
    row = records.interaction_user_row[known]
    sums = totals_by_user(row, column, value, shape)
    counts = totals_by_user(row, column, np.ones(len(row)), shape)
    estimates = records.resamples.ratios(sums, counts).estimates()
    interactions = counts.sum(axis=0).astype(np.int64)
    return pd.DataFrame(
        {
            "list_age_steps": ages,
            "interactions": interactions,
            "share": interactions / len(frame),
            HEADLINE: [e.value for e in estimates],
            "ci95_low": np.array([e.low for e in estimates], dtype=np.float64),
            "ci95_high": np.array([e.high for e in estimates], dtype=np.float64),
        }
    )
