"""What a fresh list is worth: accuracy when every list is forced to have the same age."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.intervals import Estimate, totals_by_user
from analysis.metrics import HEADLINE, per_interaction
from analysis.records import RunRecords


@dataclass(frozen=True)
class AgeAccuracy:
    """Accuracy at one forced list age.

    A cell is one user's interaction at one step; an age has no cell where the user had no history
    that long before. So ages are compared on the cells that both have.

    Attributes:
        age_steps: the forced list age.
        cells: how many cells have this age and a fresh list.
        accuracy: mean over those cells with lists of this age.
        fresh: mean over the same cells with fresh lists.
        difference: `accuracy` minus `fresh`, paired on users.
    """

    age_steps: int
    cells: int
    accuracy: Estimate
    fresh: Estimate
    difference: Estimate


def by_age(records: RunRecords, metric: str = HEADLINE) -> list[AgeAccuracy]:
    """Return the accuracy at each forced list age, ascending; empty where there are no cells."""
    cells = records.freshness[["user", "step", "age_steps"]].copy()
    rank = records.freshness["rank"].to_numpy(dtype=np.float64, na_value=0.0)
    cells["value"] = per_interaction(np.nan_to_num(rank).astype(np.int64))[metric]
    fresh = cells.loc[cells["age_steps"] == 0, ["user", "step", "value"]]
    paired = cells.merge(fresh, on=["user", "step"], suffixes=("", "_fresh"))
    if paired.empty:
        return []
    ages = np.sort(paired["age_steps"].unique())
    aged, same_cells_fresh, count = _sums(records, paired, ages)
    accuracy = records.resamples.ratios(aged, count)
    on_fresh = records.resamples.ratios(same_cells_fresh, count)
    return [
        AgeAccuracy(
            int(age),
            int(count[:, i].sum()),
            accuracy.estimate(i),
            on_fresh.estimate(i),
            accuracy.difference(i, on_fresh, i),
        )
        for i, age in enumerate(ages)
    ]


def _sums(
    records: RunRecords, paired: pd.DataFrame, ages: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return per user and age: sum of the metric, sum on fresh lists, number of cells."""
    shape = (len(records.users), len(ages))
    column = np.searchsorted(ages, paired["age_steps"].to_numpy())
    row = records.user_row(paired["user"])
    weights = (paired["value"].to_numpy(), paired["value_fresh"].to_numpy(), np.ones(len(row)))
    aged, fresh, count = (totals_by_user(row, column, weight, shape) for weight in weights)
    return aged, fresh, count
