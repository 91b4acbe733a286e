"""Accuracy in thirds of the interactions: by how popular the item was, and how long the history."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.intervals import Estimate, Ratios, totals, totals_by_user
from analysis.metrics import values
from analysis.records import RunRecords
from analysis.stored_columns import whole_numbers

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
    if records.replay is None or not set(RANKS) <= set(records.interactions.columns):
        return []
    replay = records.replay[records.user_row(records.replay["user"]) >= 0]
    replay = replay.assign(history_interactions=replay["history_interactions"] - replay["step"])
    taken = _of_interactions(records, replay)
    counts = np.bincount(taken, minlength=len(replay))
    groups = {name: _Group.of(replay[name].to_numpy(np.int64), counts) for name in GROUPINGS}
    row = records.user_row(replay["user"])
    ratios = {name: _ratios(records, row, group, taken) for name, group in groups.items()}
    return [third for name, group in groups.items() for third in _thirds(name, group, ratios[name])]


@dataclass(frozen=True)
class _Group:
    """The rows of the replay in thirds of the interactions.

    Attributes:
        size: int64, shape [rows]; what they are grouped by.
        third: int64, shape [rows]; 0, 1 or 2.
        counts: int64, shape [rows]; the interactions in which each was replayed.
    """

    size: NDArray[np.int64]
    third: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, size: NDArray[np.int64], counts: NDArray[np.int64]) -> "_Group":
        """Put rows into thirds: each ends with the least size that a third, or two, are not above.

        The quantiles are those of `inverted_cdf` of all interactions.
        """
        order = np.argsort(size, kind="stable")
        up_to = np.cumsum(counts[order])
        ends = size[order][np.searchsorted(up_to, up_to[-1] * np.array((1 / 3, 2 / 3)))]
        return cls(size, np.searchsorted(ends, size, side="left"), counts)


def _of_interactions(records: RunRecords, replay: pd.DataFrame) -> NDArray[np.int64]:
    """Return the row of each interaction in the replay: int64, shape [interactions]."""
    step = replay["step"].to_numpy(dtype=np.int64)
    place = np.zeros((len(records.users), int(step.max()) + 1), np.int64)
    place[records.user_row(replay["user"]), step] = np.arange(len(replay))
    interaction_step = records.interactions["step"].to_numpy(dtype=np.int64)
    return np.asarray(place[records.interaction_user_row, interaction_step], dtype=np.int64)


def _ratios(
    records: RunRecords, row: NDArray[np.int64], group: _Group, taken: NDArray[np.int64]
) -> dict[str, Ratios]:
    """Return the means of `HEADLINE` in each third, by series.

    Args:
        records: of the run.
        row: int64, shape [rows]: the position of each row's user.
        group: of the rows.
        taken: int64, shape [interactions]: the row of each.
    """
    shape = (len(records.users), 3)
    count = totals_by_user(row, group.third, group.counts.astype(np.float64), shape)
    cell = (row * 3 + group.third)[taken]
    return {
        series: records.resamples.ratios(
            totals(cell, values(whole_numbers(records.interactions[name])), shape), count
        )
        for name, series in RANKS.items()
    }


def _thirds(grouping: str, group: _Group, ratios: dict[str, Ratios]) -> list[Third]:
    """Return the thirds of one grouping that have interactions."""
    found = []
    for third in range(3):
        inside = (group.third == third) & (group.counts > 0)
        if not inside.any():
            continue
        found.append(
            Third(
                grouping=grouping,
                name=GROUPINGS[grouping][third],
                low=int(group.size[inside].min()),
                high=int(group.size[inside].max()),
                interactions=int(group.counts[inside].sum()),
                accuracy={series: ratio.estimate(third) for series, ratio in ratios.items()},
                gain=ratios["always"].difference(third, ratios["never"], third),
                difference={
                    series: ratios["run"].difference(third, ratios[series], third)
                    for series in ("never", "always")
                },
            )
        )
    return found
