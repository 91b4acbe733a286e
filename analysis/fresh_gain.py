"""What a fresh list would have brought at each decision, by its consistency and age."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.categories import distinct
from analysis.intervals import Estimate, UserResamples, from_resamples, totals, totals_by_user
from analysis.metrics import values
from analysis.stored_columns import Columns, whole_numbers

#: Columns of `interactions.parquet` that are read.
READ = ("consistency", "held_age_steps", "next_rank_if_held", "next_rank_if_fresh")

TENTHS = 10

#: The difference in consistency for which slopes are told.
LESS = 0.1


@dataclass(frozen=True)
class Slopes:
    """How much more a fresh list brings where consistency is lower by `LESS`.

    A least-squares slope of the gain on consistency, times -`LESS`: above 0 where low consistency
    tells of gain.

    Attributes:
        overall: over all decisions.
        same_age: among lists of equal age (an intercept for each age).
        same_user: among decisions of one user (an intercept for each user).
    """

    overall: Estimate
    same_age: Estimate
    same_user: Estimate


def decisions(interactions: Columns) -> pd.DataFrame:
    """Return the decisions of which it is known what a request would have brought.

    The gain is the metric `HEADLINE` at the next step with a list made at the decision, less that
    with the list held. Decisions that have no next step, or no consistency, are left out.

    Args:
        interactions: `interactions.parquet`.

    Returns:
        `user` as it was; `consistency` float64 of the list held; `held_age_steps` float64, NaN for
        a popularity list; `gain` float64. No rows where an older program wrote the file.
    """
    if not set(READ) <= set(interactions.columns):
        return pd.DataFrame(columns=["user", "consistency", "held_age_steps", "gain"])
    scored, followed = (
        interactions[name].notna().to_numpy(dtype=np.bool_)
        for name in ("consistency", "next_rank_if_held")
    )
    known = scored & followed

    def column(name: str) -> NDArray[np.float64]:
        numbers = interactions[name].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(numbers[known], dtype=np.float64)

    gain, held = (
        values(whole_numbers(interactions[f"next_rank_if_{name}"])[known])
        for name in ("fresh", "held")
    )
    gain -= held
    return pd.DataFrame(
        {
            "user": interactions["user"].to_numpy()[known],
            "consistency": column("consistency"),
            "held_age_steps": column("held_age_steps"),
            "gain": gain,
        },
        copy=False,
    )


def by_tenth(made: pd.DataFrame, row: NDArray[np.int64], resamples: UserResamples) -> pd.DataFrame:
    """Return the gain in each tenth of the decisions by consistency, the least consistent first.

    Equal consistencies are never split, so there may be fewer than ten, of unequal sizes.

    Args:
        made: what `decisions` returns, at least one row.
        row: int64, shape [decisions]: each decision's user, as a position among the users.
        resamples: of the users.

    Returns:
        A row per tenth: `consistency_from`, `consistency_to`, `consistency` (the mean),
        `decisions`, `gain` and its 95% interval over users, `ci95_low` and `ci95_high`.
    """
    value = made["consistency"].to_numpy()
    ends = np.quantile(value, np.arange(1, TENTHS) / TENTHS, method="inverted_cdf")
    _, tenth = distinct(np.searchsorted(ends, value, side="left"))
    grouped = made.groupby(tenth)["consistency"]
    between = {"consistency_from": grouped.min(), "consistency_to": grouped.max()}
    means = pd.DataFrame({**between, "consistency": grouped.mean()})
    return pd.concat([means, _gain(made, row, resamples, tenth)], axis=1)


def by_age(made: pd.DataFrame, row: NDArray[np.int64], resamples: UserResamples) -> pd.DataFrame:
    """Return the gain by the age of the list held, in bins that double: 1, 2, 3 to 4, 5 to 8, ...

    Arguments as of `by_tenth`; a popularity list has no age, and is left out.

    Returns:
        A row per bin: `age_from` and `age_to` in steps, int64, then as of `by_tenth`.
    """
    age = made["held_age_steps"].to_numpy()
    known = ~np.isnan(age)
    # An age of 0 steps is in a bin of its own, the one before that of 1 step.
    double = np.ceil(np.log2(np.maximum(age[known], 0.5))).astype(np.int64)
    bins, column = distinct(double + 1)
    bins = bins - 1
    last = np.minimum(np.floor(2.0**bins), age[known].max(initial=0))
    ends = {"age_from": np.floor(2.0 ** (bins - 1)) + (bins >= 0), "age_to": last}
    gain = _gain(made[known], row[known], resamples, column)
    return pd.concat([pd.DataFrame(ends).astype(np.int64), gain], axis=1)


def slopes(made: pd.DataFrame, row: NDArray[np.int64], resamples: UserResamples) -> Slopes:
    """Return how the gain falls with consistency; arguments as of `by_tenth`."""
    age = distinct(made["held_age_steps"].fillna(-1.0).to_numpy(np.int64) + 1)[1]
    by_user = _Moments.of(made, row, np.zeros(len(row), np.int64), resamples.users)
    by_user_and_age = _Moments.of(made, row, age, resamples.users)
    # Within a user the moments about the user's own means add up over users.
    within = _Moments(by_user.count, by_user.own_xx, by_user.own_xy, 0 * by_user.x, 0 * by_user.y)
    return Slopes(*(each.slope(resamples) for each in (by_user, by_user_and_age, within)))


@dataclass(frozen=True)
class _Moments:
    """Sums over each user's decisions: float64, shape [users, groups]; x consistency, y gain."""

    count: NDArray[np.float64]
    xx: NDArray[np.float64]
    xy: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @classmethod
    def of(
        cls, made: pd.DataFrame, row: NDArray[np.int64], group: NDArray[np.int64], users: int
    ) -> "_Moments":
        x, y = made["consistency"].to_numpy(), made["gain"].to_numpy()
        shape = (users, int(group.max()) + 1)
        cell = row * shape[1] + group
        # One after the other: of millions of decisions each is large.
        weights = (lambda: np.ones(len(x)), lambda: x * x, lambda: x * y, lambda: x, lambda: y)
        return cls(*(totals(cell, weight(), shape) for weight in weights))

    @property
    def own_xx(self) -> NDArray[np.float64]:
        return self.xx - self.x * self.x / np.maximum(self.count, 1)

    @property
    def own_xy(self) -> NDArray[np.float64]:
        return self.xy - self.x * self.y / np.maximum(self.count, 1)

    def slope(self, resamples: UserResamples) -> Estimate:
        """Return the slope with an intercept for each group, times -`LESS`."""
        columns = (self.count, self.xx, self.xy, self.x, self.y)
        everyone = _Moments(*(each.sum(axis=0)[None] for each in columns))
        resampled = _Moments(*(resamples.totals(each) for each in columns))
        return from_resamples(everyone._slopes[0], resampled._slopes, resamples.users)

    @property
    def _slopes(self) -> NDArray[np.float64]:
        """A slope for each row, as if the row were all there is: float64, shape [rows]."""
        with np.errstate(invalid="ignore", divide="ignore"):
            slopes: NDArray[np.float64] = -LESS * self.own_xy.sum(1) / self.own_xx.sum(1)
        return slopes


def _gain(
    made: pd.DataFrame, row: NDArray[np.int64], resamples: UserResamples, column: NDArray[np.int64]
) -> pd.DataFrame:
    shape = (resamples.users, int(column.max()) + 1 if len(column) else 0)
    count = totals_by_user(row, column, np.ones(len(row)), shape)
    gain = totals_by_user(row, column, made["gain"].to_numpy(), shape)
    estimates = resamples.ratios(gain, count).estimates()
    return pd.DataFrame(
        {
            "decisions": count.sum(axis=0).astype(np.int64),
            "gain": [each.value for each in estimates],
            "ci95_low": np.array([each.low for each in estimates], dtype=np.float64),
            "ci95_high": np.array([each.high for each in estimates], dtype=np.float64),
        }
    )
