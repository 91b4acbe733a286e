"""Accuracy in thirds of the interactions: by how popular the item was, and how long the history."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.intervals import Estimate, totals_by_user
from analysis.metrics import HEADLINE, per_interaction
from analysis.records import RunRecords

#: Column of a rank -> the series that it belongs to.
RANKS = {"rank": "run", "rank_never": "never", "rank_always": "always"}

#: What interactions are grouped by -> the names of the thirds, lowest first.
GROUPINGS = {
    "item_count": ("seldom taken", "in between", "often taken"),
    "history_interactions": ("short", "in between", "long"),
}


@dataclass(frozen=True)
class Third:
    """A third of the interactions.

    Attributes:
        grouping: a key of `GROUPINGS`.
        name: of the third.
        low, high: the least and the greatest value in it.
        interactions: how many it has.
        accuracy: the mean of `HEADLINE` of each series.
        gain: mean of `always` minus mean of `never`, paired on users.
        difference: mean of `run` minus mean of each other series, paired on users.
    """

    grouping: str
    name: str
    low: int
    high: int
    interactions: int
    accuracy: dict[str, Estimate]
    gain: Estimate
    difference: dict[str, Estimate]


def of_run(records: RunRecords) -> list[Third]:
    """Return the thirds by the item's count in training and by the user's history.

    The history is what the user had before the first replayed step, so that a user is in one third.
    Equal values are never split: thirds may have unequal sizes, and there may be fewer than three.
    Empty where an older program wrote the records.
    """
    interactions = records.interactions
    if records.replay is None or not set(RANKS) <= set(interactions.columns):
        return []
    replay = records.replay.assign(
        history_interactions=records.replay["history_interactions"] - records.replay["step"]
    )
    joined = interactions[["user", "step", *RANKS]].merge(replay, on=["user", "step"], how="left")
    value = np.stack(
        [
            per_interaction(joined[name].fillna(0).to_numpy(dtype=np.int64))[HEADLINE]
            for name in RANKS
        ]
    )
    row = records.user_row(joined["user"])
    thirds = []
    for grouping in GROUPINGS:
        thirds += _thirds(records, grouping, joined[grouping], value, row)
    return thirds


def _thirds(
    records: RunRecords,
    grouping: str,
    grouped_by: "pd.Series[int]",
    value: NDArray[np.float64],
    row: NDArray[np.int64],
) -> list[Third]:
    """Return the thirds of one grouping; `value` has the shape [series, interactions]."""
    size = grouped_by.to_numpy(dtype=np.int64)
    ends = np.quantile(size, (1 / 3, 2 / 3), method="inverted_cdf")
    column = np.searchsorted(ends, size, side="left")
    shape = (len(records.users), 3)
    count = totals_by_user(row, column, np.ones(len(row)), shape)
    ratios = {
        series: records.resamples.ratios(totals_by_user(row, column, each, shape), count)
        for series, each in zip(RANKS.values(), value, strict=True)
    }
    return [
        Third(
            grouping=grouping,
            name=GROUPINGS[grouping][third],
            low=int(size[column == third].min()),
            high=int(size[column == third].max()),
            interactions=int(count[:, third].sum()),
            accuracy={series: ratio.estimate(third) for series, ratio in ratios.items()},
            gain=ratios["always"].difference(third, ratios["never"], third),
            difference={
                series: ratios["run"].difference(third, ratios[series], third)
                for series in ("never", "always")
            },
        )
        for third in range(3)
        if (column == third).any()
    ]
