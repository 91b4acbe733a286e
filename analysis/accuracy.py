"""Accuracy of several series on the same interactions: sums by user, means, paired differences."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.intervals import Estimate, Ratios, UserResamples
from analysis.metrics import HEADLINE, METRICS, by_rank

#: The run itself, then what it is compared with; the order of files, tables and figures.
SERIES = (
    "run",
    "popularity",
    "srm_full",
    "llm_full",
    "srm_only",
    "llm_only",
    "never",
    "always",
    "always_ideal",
)


def by_user(user: NDArray[Any], rank_by_series: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Sum every metric over each user's interactions, for each series.

    Args:
        user: integer, shape [interactions]: the user of each interaction, in any order.
        rank_by_series: for each series the rank that it gave to the item taken next in each of the
            same interactions: integer, shape [interactions]; 0 is a miss.

    Returns:
        A row per series (in the mapping's order) and user (ascending): `user` int32, `series`
        string, `interactions` int64, and a float64 column per metric with the sum.

    Raises:
        ValueError: if a series has another number of interactions than `user`.
    """
    users, row = np.unique(np.asarray(user), return_inverse=True)
    sums = UserSums(users)
    sums.add(row, rank_by_series)
    return sums.frame()


#: Interactions whose metrics are added up together: what is made of them stays in the processor. Of
#: more users, as many interactions as users, as adding goes over all users too.
_CHUNK = 2**16


class UserSums:
    """Every user's sums of the metrics, of interactions that are added in blocks.

    Each sum is taken in the order of the interactions, so that blocks make no difference to it, to
    the last bit.

    Args:
        users: integer, shape [users]: the users, ascending.
    """

    def __init__(self, users: NDArray[Any]) -> None:
        self._users = users
        self._interactions = np.zeros(len(users), np.int64)
        self._sums: dict[str, dict[str, NDArray[np.float64]]] = {}

    def add(self, row: NDArray[np.int64], rank_by_series: Mapping[str, NDArray[Any]]) -> None:
        """Add interactions.

        Args:
            row: int64, shape [interactions]: the position of each one's user among the users.
            rank_by_series: as of `by_user`, of the same series each time.

        Raises:
            ValueError: if a series has another number of interactions than `row`.
        """
        for series, rank in rank_by_series.items():
            if np.shape(rank) != np.shape(row):
                raise ValueError(
                    f"series {series!r} has {np.shape(rank)} ranks for {len(row)} users"
                )
        self._interactions += np.bincount(row, minlength=len(self._users))
        ranks = {series: np.asarray(rank) for series, rank in rank_by_series.items()}
        chunk = max(_CHUNK, len(self._users))
        for start in range(0, len(row), chunk):
            part = slice(start, start + chunk)
            self._add_chunk(row[part], {series: rank[part] for series, rank in ranks.items()})

    def _add_chunk(self, row: NDArray[np.int64], ranks: Mapping[str, NDArray[Any]]) -> None:
        users = len(self._users)
        # A sum goes on where it was, as the first thing that is added for each user.
        users_then_rows = np.concatenate([np.arange(users), row])
        weights = np.empty(len(users_then_rows))
        for series, rank in ranks.items():
            sums = self._sums.setdefault(series, {name: np.zeros(users) for name in METRICS})
            position = rank.astype(np.intp)
            for metric, of_rank in by_rank(position).items():
                weights[:users] = sums[metric]
                weights[users:] = of_rank.take(position, mode="clip")
                sums[metric] = np.bincount(users_then_rows, weights, minlength=users).astype(float)

    def frame(self) -> pd.DataFrame:
        """Return the sums as `by_user` does."""
        head = {"user": self._users.astype(np.int32)}
        frames = [
            pd.DataFrame({**head, "series": series, "interactions": self._interactions, **sums})
            for series, sums in self._sums.items()
        ]
        return pd.concat(frames, ignore_index=True)


class Accuracies:
    """Means and paired differences of the series in one `by_user` frame.

    Every series and difference shares the same resamples of users.

    Attributes:
        series: the names of the series in the frame, in its order.
        users: number of users in the frame.
    """

    def __init__(self, by_user_frame: pd.DataFrame) -> None:
        rows = pd.Index(np.sort(by_user_frame["user"].unique()))
        self.series: tuple[str, ...] = tuple(by_user_frame["series"].astype(str).unique())
        self.users = len(rows)
        self._interactions = np.zeros((self.users, len(self.series)))
        self._sums = np.zeros((self.users, len(self.series), len(METRICS)))
        for column, name in enumerate(self.series):
            part = by_user_frame[by_user_frame["series"] == name]
            row = rows.get_indexer(pd.Index(part["user"]))
            self._interactions[row, column] = part["interactions"].to_numpy()
            self._sums[row, column] = part[list(METRICS)].to_numpy()

    @cached_property
    def _ratios(self) -> Ratios:
        """One column per series and metric, metrics fastest."""
        shape = (self.users, len(self.series) * len(METRICS))
        interactions = np.repeat(self._interactions, len(METRICS), axis=1)
        return UserResamples(self.users).ratios(self._sums.reshape(shape), interactions)

    def _column(self, series: str, metric: str) -> int:
        return self.series.index(series) * len(METRICS) + METRICS.index(metric)

    def interactions(self, series: str) -> int:
        """Return the number of interactions of a series."""
        return int(self._interactions[:, self.series.index(series)].sum())

    def mean(self, series: str, metric: str = HEADLINE) -> Estimate:
        """Return the mean over interactions of `metric` for `series`, with its interval.

        Raises:
            ValueError: if there is no such series or metric.
        """
        return self._ratios.estimate(self._column(series, metric))

    def difference(self, series: str, other: str, metric: str = HEADLINE) -> Estimate:
        """Return mean of `series` minus mean of `other`, with its interval paired on users.

        Raises:
            ValueError: if there is no such series or metric.
        """
        column, other_column = self._column(series, metric), self._column(other, metric)
        return self._ratios.difference(column, self._ratios, other_column)
