"""Which policy is best at the same request frequency, where the paired interval allows a word."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.intervals import Estimate, UserResamples
from analysis.panel import Panel
from analysis.point_records import of_series
from analysis.sweep_records import SweepRecords

FREQUENCIES = (0.1, 0.3, 0.5)

#: Wanted frequencies that a page tells one by one; of more, it tells `FREQUENCIES` instead.
MOST_WANTED = 4


@dataclass(frozen=True)
class Contest:
    """The policies of one facet at one request frequency.

    Attributes:
        facet: the other settings, in words.
        frequency: requests / interactions.
        accuracy: accuracy of each series whose own settings reach that frequency, best first.
        bounds: the same of those that know what no device knows.
        leads: how much more accurate the best is than each other, paired on users, nearest first.
    """

    facet: str
    frequency: float
    accuracy: dict[str, Estimate]
    bounds: dict[str, Estimate]
    leads: dict[str, Estimate]

    @property
    def best(self) -> str | None:
        """The most accurate series; None without any."""
        return next(iter(self.accuracy), None)

    @property
    def winner(self) -> str | None:
        """The best one, if it is above every other with a paired interval above 0; else None.

        Intervals are not widened for the number of series: it is one claim, and most often wrong
        where two series tie ahead of all others, one of which is then named in 5% of samples; the
        more are tied, the nearer is the second. (Of k equal normal means it is wrong in 5%, 1.4%
        and 0.4% of samples for k = 2, 3 and 5.)
        """
        alone = self.leads and all(lead.above_zero for lead in self.leads.values())
        return self.best if alone else None

    @property
    def lead(self) -> Estimate | None:
        """The best one's difference to the second; None with fewer than two series."""
        return next(iter(self.leads.values()), None)

    @property
    def tied(self) -> list[str]:
        """Those that the paired interval does not tell from the best."""
        return [series for series, lead in self.leads.items() if not lead.above_zero]


def contests(sweep: SweepRecords) -> list[Contest]:
    """Compare the policies in every facet, at the few request frequencies that were wanted.

    At 10, 30 and 50% where no frequency was wanted, or more than `MOST_WANTED`.

    Between two neighbouring settings of a policy, accuracy at a frequency in between is that of a
    mixture of both: `analysis.panel.Curve.at`. Bounds take no part.
    """
    wanted = sorted(set(sweep.points["target"].dropna()))
    told = wanted if 0 < len(wanted) <= MOST_WANTED else FREQUENCIES
    return [_contest(panel, frequency) for panel in sweep.panels for frequency in told]


def leads(sweep: SweepRecords, first: pd.Series, others: Sequence[pd.Series]) -> list[Estimate]:
    """Return how much more accurate one setting is than each of others, paired on users.

    Args:
        sweep: of the settings.
        first: its row of `sweep.settings`.
        others: those of theirs, of any facets with the same users.
    """
    frames = [of_series(sweep.sums(row["ids"]), "run") for row in (first, *others)]
    users = sorted(set().union(*(frame.index for frame in frames)))
    frames = [frame.reindex(users, fill_value=0.0) for frame in frames]
    ratios = UserResamples(len(users)).ratios(
        np.column_stack([frame[sweep.metric] for frame in frames]),
        np.column_stack([frame["interactions"] for frame in frames]),
    )
    return [ratios.difference(0, ratios, column) for column in range(1, len(frames))]


def _contest(panel: Panel, frequency: float) -> Contest:
    at = {
        series: curve.at(frequency)
        for series, curve in panel.curves.items()
        if curve.reaches(frequency)
    }
    estimates = {series: panel.estimate(weights) for series, weights in at.items()}
    ranking = sorted(
        (series for series in at if series in panel.contenders),
        key=lambda series: -estimates[series].value,
    )
    return Contest(
        panel.facet,
        frequency,
        {series: estimates[series] for series in ranking},
        {series: estimates[series] for series in at if series not in panel.contenders},
        {series: panel.estimate(at[ranking[0]] - at[series]) for series in ranking[1:]},
    )
