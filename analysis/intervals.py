"""Intervals: 95% percentile bootstrap over users, the same resamples for everything compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workloads import draws

RESAMPLES = 1000
LEVEL = 0.95

#: With fewer users than this a percentile interval promises a coverage that it does not have.
MIN_USERS = 30

#: Per-user totals are rounded to multiples of this before they are resampled. Products with the
#: integer weights and their sums are then exact in float64 (up to 2^27 in total), whatever order
#: a linear algebra library adds them in: the interval has the same bytes on any number of threads.
GRID = 2.0**-26

#: Combinations of ratios are rounded to so many decimals.
_DECIMALS = 12

_SEED = 0
_STORED_WEIGHTS_BYTES = 2**27
_CHUNK_WEIGHTS = 2**22


@dataclass(frozen=True)
class Estimate:
    """A value and its 95% interval over users: `low` and `high`, None where users are too few."""

    value: float
    low: float | None
    high: float | None

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval lies above 0; False where there is no interval."""
        return self.low is not None and self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether the whole interval lies below 0; False where there is no interval."""
        return self.high is not None and self.high < 0


class UserResamples:
    """The bootstrap's resamples of `users` users: a pure function of that number.

    Users are drawn with replacement, so all devices and interactions of a user move together
    (a cluster bootstrap: Field and Welsh, "Bootstrapping clustered data", 2007). A user's weight
    is the number of times it was drawn. Series that are compared share one object, or two of the
    same size: their resamples are then the same, and differences are paired.

    Attributes:
        users: number of users, which the rows of every array given to the methods stand for.
    """

    def __init__(self, users: int) -> None:
        self.users = users

    def totals(self, per_user: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the column totals of `per_user` [users, columns] in each resample.

        Returns:
            float64, shape [RESAMPLES, columns].
        """
        rounded = np.round(per_user / GRID) * GRID
        return np.concatenate([chunk @ rounded for chunk in self._weights()])

    def ratios(self, numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> "Ratios":
        """Return, per column, total numerator / total denominator: a mean over interactions.

        Args:
            numerator: float64, shape [users, columns], for instance sums of a metric.
            denominator: float64, shape [users, columns], for instance numbers of interactions.
        """
        enough = (denominator > 0).sum(axis=0) >= MIN_USERS
        resampled = np.full((RESAMPLES, len(enough)), np.nan)
        if enough.any():
            resampled[:, enough] = _ratio(
                self.totals(numerator[:, enough]), self.totals(denominator[:, enough])
            )
        return Ratios(_ratio(numerator.sum(axis=0), denominator.sum(axis=0)), resampled, enough)

    def quantile(
        self, values: NDArray[np.float64], user: NDArray[np.int64], probability: float
    ) -> Estimate:
        """Estimate a quantile of values that are clustered in users.

        The interval is Woodruff's, "Confidence intervals for medians and other position measures"
        (1952): the bootstrap gives the interval of the share of values at or below the estimated
        quantile, and the quantiles at the ends of that interval are the ends of this one.

        Args:
            values: float64, shape [values].
            user: int64, shape [values]: the row, in 0 .. users - 1, of each value's user.
            probability: which quantile; 0.5 is the median.
        """
        if not len(values):
            return Estimate(float("nan"), None, None)
        estimate = float(np.quantile(values, probability))
        count = np.bincount(user, minlength=self.users).astype(np.float64)
        below = np.bincount(user[values <= estimate], minlength=self.users).astype(np.float64)
        share = self.ratios(below[:, None], count[:, None]).estimate(0)
        if share.low is None or share.high is None:
            return Estimate(estimate, None, None)
        ends = np.clip(np.array([share.low, share.high]) - share.value + probability, 0.0, 1.0)
        low, high = np.quantile(values, ends)
        return Estimate(estimate, float(low), float(high))

    def _weights(self) -> Iterator[NDArray[np.float64]]:
        """Yield the weights in chunks of shape [resamples, users], all resamples in order."""
        weights = RESAMPLES * self.users
        if weights <= _CHUNK_WEIGHTS:
            yield _whole_weights(self.users)
            return
        for part in np.array_split(np.arange(RESAMPLES), -(-weights // _CHUNK_WEIGHTS)):
            if weights <= _STORED_WEIGHTS_BYTES:
                yield _stored_weights(self.users)[part].astype(np.float64)
            else:
                yield np.stack([_weights_of(int(index), self.users) for index in part]).astype(
                    np.float64
                )


# All runs of a sweep have as many users, and a report asks for their totals dozens of times.
@lru_cache(maxsize=1)
def _whole_weights(users: int) -> NDArray[np.float64]:
    return _stored_weights(users).astype(np.float64)


@lru_cache(maxsize=1)
def _stored_weights(users: int) -> NDArray[np.uint8]:
    return np.stack([_weights_of(index, users) for index in range(RESAMPLES)])


def _weights_of(index: int, users: int) -> NDArray[np.uint8]:
    """Return how often a resample draws each user."""
    position = draws.uniform(_SEED, "bootstrap", index, users) * users
    user = np.minimum(position.astype(np.int64), users - 1)
    return np.bincount(user, minlength=users).astype(np.uint8)


@dataclass(frozen=True)
class Ratios:
    """Ratios of totals, and what they are in each resample.

    Attributes:
        values: float64, shape [columns]; NaN where the denominator's total is 0.
        resampled: float64, shape [RESAMPLES, columns].
        enough: bool, shape [columns]: whether the column has users enough for an interval.
    """

    values: NDArray[np.float64]
    resampled: NDArray[np.float64]
    enough: NDArray[np.bool_]

    def estimate(self, column: int) -> Estimate:
        """Return one column's ratio with its interval."""
        return _estimate(self.values[column], self.resampled[:, column], self.enough[column])

    def estimates(self) -> list[Estimate]:
        """Return every column's ratio with its interval."""
        return [self.estimate(column) for column in range(len(self.values))]

    def difference(self, column: int, other: "Ratios", other_column: int) -> Estimate:
        """Return a column's ratio minus another's, paired: both must have the same users."""
        return _estimate(
            self.values[column] - other.values[other_column],
            self.resampled[:, column] - other.resampled[:, other_column],
            self.enough[column] and other.enough[other_column],
        )

    def combination(self, weights: NDArray[np.float64]) -> Estimate:
        """Return the sum of the columns' ratios, each times its weight, paired on users.

        Args:
            weights: float64, shape [columns]; columns of weight 0 take no part.
        """
        return _estimate(*self.combined(weights), self._all_enough(weights))

    def quotient(self, above: NDArray[np.float64], below: NDArray[np.float64]) -> Estimate:
        """Return one combination over another; without an interval where that could be 0.

        Args:
            above: float64, shape [columns]: the weights of the numerator's columns.
            below: those of the denominator's.
        """
        numerator, denominator = self.combined(above), self.combined(below)
        with np.errstate(invalid="ignore", divide="ignore"):
            value, resampled = numerator[0] / denominator[0], numerator[1] / denominator[1]
        enough = self._all_enough(above) and self._all_enough(below)
        of_one_sign = enough and bool(np.all(denominator[1] * np.sign(denominator[0]) > 0))
        return _estimate(value, resampled, of_one_sign)

    def combined(self, weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return a combination, and what it is in each resample: float64, shape [RESAMPLES].

        Args:
            weights: float64, shape [columns].
        """
        resampled = np.zeros(len(self.resampled))
        for column in np.flatnonzero(weights):
            resampled = resampled + weights[column] * self.resampled[:, column]
        value = sum(float(weights[c] * self.values[c]) for c in np.flatnonzero(weights))
        # Series that are equal differ by 0, not by what is left of their rounding.
        return round(value, _DECIMALS), np.round(resampled, _DECIMALS)

    def _all_enough(self, weights: NDArray[np.float64]) -> bool:
        return bool(self.enough[np.flatnonzero(weights)].all())


def from_resamples(value: float, resampled: NDArray[np.float64], users: int) -> Estimate:
    """Return the estimate of any function of totals, from its value in each resample.

    Args:
        value: of all users.
        resampled: float64, shape [RESAMPLES].
        users: how many users it rests on; fewer than `MIN_USERS` have no interval.
    """
    return _estimate(value, resampled, users >= MIN_USERS and not np.isnan(resampled).all())


def totals_by_user(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    weight: NDArray[np.float64],
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    """Add up weights in the cells that they belong to.

    Args:
        row: int64, shape [values]: the user of each value, as a position in 0 .. shape[0] - 1.
        column: int64, shape [values]: its column, in 0 .. shape[1] - 1.
        weight: float64, shape [values]: what is added.
        shape: (users, columns).

    Returns:
        float64 of that shape, as the methods of `UserResamples` take it.
    """
    return totals(row * shape[1] + column, weight, shape)


def totals(
    cell: NDArray[np.int64], weight: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Add up weights as `totals_by_user` does, by the number of their cells.

    Args:
        cell: int64, shape [values]: row x shape[1] + column.
        weight: float64, shape [values].
        shape: (users, columns).
    """
    sums = np.bincount(cell, weights=weight, minlength=shape[0] * shape[1])
    return np.asarray(sums.reshape(shape), dtype=np.float64)


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def _estimate(value: float, resampled: NDArray[np.float64], enough: bool) -> Estimate:
    if not enough:
        return Estimate(float(value), None, None)
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(resampled, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))
