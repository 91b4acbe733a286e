"""How much of a quantity's variance lies between users rather than within them."""

import numpy as np
from numpy.typing import NDArray

from analysis.intervals import Estimate, UserResamples, from_resamples, totals_by_user


def between_users(
    value: NDArray[np.float64], row: NDArray[np.int64], resamples: UserResamples
) -> Estimate:
    """Return the share of variance that lies between users, with its 95% interval over users.

    One-way random effects: value j of user i is y_ij = m + a_i + e_ij with a_i of variance A and
    e_ij of variance E. With n_i values of user i, N in all, of k users that have any,

        MSB = sum_i n_i (mean_i - mean)^2 / (k - 1)
        MSW = sum_ij (y_ij - mean_i)^2 / (N - k)
        n0  = (N - sum_i n_i^2 / N) / (k - 1)
        A   = (MSB - MSW) / n0,   E = MSW,   share = A / (A + E)

    which is the intraclass correlation ICC(1,1) of Shrout and Fleiss, "Intraclass correlations:
    uses in assessing rater reliability" (1979), with the n0 of unequal group sizes and the analysis
    of variance estimators of Searle, Casella and McCulloch, "Variance components" (1992), section
    3.6. It falls below 0 where users differ less than chance would make them; it is not cut there.
    The interval is the percentile bootstrap over users, one drawn twice counting as two.

    Args:
        value: float64, shape [values].
        row: int64, shape [values]: each value's user, a position among the users.
        resamples: of the users.

    Returns:
        NaN where no user has two values, or all values are equal.
    """
    centred = value - value.mean() if len(value) else value
    one_column = np.zeros(len(row), np.int64)
    count, total, square = (
        totals_by_user(row, one_column, weight, (resamples.users, 1))[:, 0]
        for weight in (np.ones(len(row)), centred, centred**2)
    )
    own = total**2 / np.maximum(count, 1)
    columns = np.stack([count > 0, count, count**2, total, own, square], axis=1).astype(np.float64)
    everyone = columns.sum(axis=0)[None]
    resampled = _share(resamples.totals(columns))
    return from_resamples(_share(everyone)[0], resampled, int(everyone[0, 0]))


def explained_by(
    group: NDArray[np.int64],
    value: NDArray[np.float64],
    row: NDArray[np.int64],
    resamples: UserResamples,
) -> Estimate:
    """Return the share of variance that lies between groups, with its 95% interval over users.

    Sum of squares between the groups' means over the total (eta squared: Fisher, "Statistical
    methods for research workers", 1925, section 45): for groups that are fixed, such as list ages.

    Args:
        group: int64, shape [values], from 0.
        value: as of `between_users`.
        row: as of `between_users`.
        resamples: as of `between_users`.
    """
    groups = int(group.max()) + 1
    centred = value - value.mean()
    weights = (np.ones(len(row)), centred, centred**2)
    shape = (resamples.users, groups)
    count, total, square = (totals_by_user(row, group, weight, shape) for weight in weights)
    columns = np.concatenate([count, total, square.sum(axis=1, keepdims=True)], axis=1)
    everyone = _explained(columns.sum(axis=0)[None], groups)[0]
    enough = int((count.sum(axis=1) > 0).sum())
    return from_resamples(everyone, _explained(resamples.totals(columns), groups), enough)


def _share(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    users, count, count_squares, total, own, square = totals.T
    with np.errstate(invalid="ignore", divide="ignore"):
        between = (own - total**2 / count) / (users - 1)
        within = (square - own) / (count - users)
        size = (count - count_squares / count) / (users - 1)
        variance_between = (between - within) / size
        share: NDArray[np.float64] = variance_between / (variance_between + within)
    return share


def _explained(totals: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    count, total, square = totals[:, :groups], totals[:, groups:-1], totals[:, -1]
    correction = total.sum(axis=1) ** 2 / count.sum(axis=1)
    between = (total**2 / np.maximum(count, 1)).sum(axis=1) - correction
    with np.errstate(invalid="ignore", divide="ignore"):
        share: NDArray[np.float64] = between / (square - correction)
    return share
