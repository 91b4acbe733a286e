"""Settings of a sweep that differ in nothing but the request policy, compared on the same users.

Accuracy at a request frequency between two settings of a policy, its mean over a range of
frequencies, and differences of these between policies are all weighted sums of the settings'
accuracies. So one vector of weights, a number for each setting, stands for each of them; the same
resamples of users give its interval, and the same users' deviations its test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from analysis.intervals import MIN_USERS, Estimate, Ratios, UserResamples

Weights = NDArray[np.float64]

#: Policies that are the ends of every other policy's curve.
ENDS = ("never", "always")

#: How far a frequency may lie outside of a curve's settings to count as reached: as much as a
#: calibrated policy may miss the frequency that was wanted.
TOLERANCE = 0.02


@dataclass(frozen=True)
class Curve:
    """A series of a panel: its settings by request frequency, with never and always as its ends.

    Attributes:
        series: its name.
        bound: whether it is a bound, which knows what no device knows.
        frequency: requests / interactions of its settings and ends, ascending: [settings].
        column: the panel's column of each: int64, [settings].
        columns: how many the panel has.
        reach: the least and the greatest frequency of its own settings.
    """

    series: str
    bound: bool
    frequency: NDArray[np.float64]
    column: NDArray[np.int64]
    columns: int
    reach: tuple[float, float]

    def reaches(self, frequency: float) -> bool:
        """Return whether the series' own settings reach a frequency, up to `TOLERANCE`."""
        low, high = self.reach
        near = low - TOLERANCE <= frequency <= high + TOLERANCE
        return near and bool(self.frequency[0] <= frequency <= self.frequency[-1])

    def at(self, frequency: float) -> Weights:
        """Return the weights of accuracy at a frequency: linear between neighbouring settings.

        Linear, because that is what a mixture of the two settings gets.
        """
        right = int(np.searchsorted(self.frequency, frequency))
        right = min(max(1, right), max(1, len(self.frequency) - 1))
        weights = np.zeros(self.columns)
        if len(self.frequency) == 1:
            weights[self.column[0]] = 1.0
            return weights
        width = self.frequency[right] - self.frequency[right - 1]
        share = (frequency - self.frequency[right - 1]) / width if width else 0.0
        share = min(max(share, 0.0), 1.0)
        weights[self.column[right - 1]] += 1 - share
        weights[self.column[right]] += share
        return weights

    def mean(self, low: float, high: float) -> Weights:
        """Return the weights of the mean accuracy between two frequencies, `low` < `high`.

        The area under the curve over its width: the trapezoidal rule, exact between settings.
        """
        inside = self.frequency[(self.frequency > low) & (self.frequency < high)]
        knots = np.unique(np.concatenate([[low], inside, [high]]))
        width = np.diff(knots)
        share = (np.append(width, 0.0) + np.append(0.0, width)) / (2 * (high - low))
        return np.asarray(sum(s * self.at(float(k)) for s, k in zip(share, knots, strict=True)))


def with_ends(own: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """Return a series' settings and its ends by request frequency.

    An end is one only beyond the settings: in a cloud that is overloaded, who always wants to ask
    can ask less often than who asks with restraint, because a device waits for its last answer.
    """
    asked = own["request_frequency"]
    beyond = (ends["request_frequency"] < asked.min()) | (ends["request_frequency"] > asked.max())
    whole = pd.concat([own, ends[beyond]]) if beyond.any() else own
    return whole.sort_values("request_frequency", kind="stable")


class Panel:
    """The settings of one facet, and the sums of a metric over each user's interactions.

    Attributes:
        facet: what was swept besides the policy and the seed, in words.
        settings: a row per setting, by series and request frequency; `low` and `high` are the 95%
            interval of its accuracy over users, the sums of all seeds of a user taken together.
        references: names of the ways to order that no policy is part of.
        metric: its name.
        users: number of users.
    """

    def __init__(
        self,
        facet: str,
        rows: pd.DataFrame,
        sums: Sequence[pd.DataFrame],
        references: Mapping[str, pd.DataFrame],
        metric: str,
        resamples: UserResamples | None = None,
    ) -> None:
        """Take each setting's and each reference's sums by user: `interactions` and the metric.

        Args:
            facet: as the attribute.
            rows: of `settings`.
            sums: of each row, in their order.
            references: those of each reference.
            metric: as the attribute.
            resamples: of as many users, where others have drawn them already.
        """
        self.facet = facet
        self.metric = metric
        self.references = tuple(references)
        self._given = (rows, sums, references)
        frames = [*sums, *references.values()]
        users = sorted(set().union(*(frame.index for frame in frames)))
        frames = [frame.reindex(users, fill_value=0.0) for frame in frames]
        self.users = len(users)
        self._resamples = resamples or UserResamples(self.users)
        self._sums = np.column_stack([frame[metric] for frame in frames])
        self._interactions = np.column_stack([frame["interactions"] for frame in frames])
        accuracy = [self.estimate(self.unit(column)) for column in range(len(rows))]
        self.settings = rows.assign(
            accuracy=[each.value for each in accuracy],
            low=pd.array([each.low for each in accuracy], dtype="float64"),
            high=pd.array([each.high for each in accuracy], dtype="float64"),
        )

    def by(self, metric: str) -> "Panel":
        """Return the same settings told by another metric."""
        rows, sums, references = self._given
        return Panel(self.facet, rows, sums, references, metric, self._resamples)

    def means(self, metric: str) -> list[float]:
        """Return another metric of each setting, without interval."""
        _, sums, _ = self._given
        return [float(each[metric].sum() / each["interactions"].sum()) for each in sums]

    @cached_property
    def ratios(self) -> Ratios:
        """The accuracy of each setting, then of each reference."""
        return self._resamples.ratios(self._sums, self._interactions)

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """The curve of each series that is no end, in alphabetical order."""
        settings = self.settings.reset_index(drop=True)
        ends = settings[settings["series"].isin(ENDS)]
        curves = {}
        for series, part in settings.groupby("series", sort=True):
            if series in ENDS:
                continue
            own = part["request_frequency"]
            whole = with_ends(part, ends)
            curves[str(series)] = Curve(
                str(series),
                bool(part["bound"].iloc[0]),
                whole["request_frequency"].to_numpy(dtype=np.float64),
                whole.index.to_numpy(dtype=np.int64),
                self._sums.shape[1],
                (float(own.min()), float(own.max())),
            )
        return curves

    @cached_property
    def contenders(self) -> dict[str, Curve]:
        """The curves of policies that a device could run: those of no bound."""
        return {series: curve for series, curve in self.curves.items() if not curve.bound}

    def unit(self, column: int) -> Weights:
        """Return the weights of one column alone."""
        weights = np.zeros(self._sums.shape[1])
        weights[column] = 1.0
        return weights

    def reference(self, name: str) -> Weights:
        """Return the weights of one reference alone.

        Raises:
            ValueError: there is no such reference.
        """
        return self.unit(len(self.settings) + self.references.index(name))

    def estimate(self, weights: Weights) -> Estimate:
        """Return a weighted sum of accuracies with its 95% interval, paired on users."""
        return self.ratios.combination(weights)

    def p_value(self, weights: Weights) -> float:
        """Return the two-sided p-value that a weighted sum of accuracies is 0; NaN for few users.

        A t-test on the users' deviations. An accuracy is a ratio of totals over users, whose
        deviation of a user is (sum - accuracy x interactions) / mean interactions (the delta
        method: Deng, Knoblich and Lu, "Applying the delta method in metric analytics", 2018,
        section 3.1). Where all users have equally many interactions this is the paired t-test,
        which Smucker, Allan and Carterette, "A comparison of statistical significance tests for
        information retrieval evaluation" (2007), recommend beside the bootstrap.
        """
        if self.users < MIN_USERS:
            return float("nan")
        used = np.flatnonzero(weights)
        interactions = self._interactions[:, used]
        residual = self._sums[:, used] - self.ratios.values[used] * interactions
        per_user = (residual / interactions.mean(axis=0) * weights[used]).sum(axis=1)
        value = self.estimate(weights).value
        error = float(per_user.std(ddof=1)) / self.users**0.5
        if value == 0:
            return 1.0
        if error == 0:
            return 0.0
        # Twice the upper tail of Student's t, as of `scipy.stats`, which takes 0.4 s to load.
        return float(2 * stdtr(self.users - 1, -abs(value) / error))
