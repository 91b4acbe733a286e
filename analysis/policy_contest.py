"""Which policy is best at the same request frequency, where the paired interval allows a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.intervals import Estimate, UserResamples
from analysis.metrics import HEADLINE
from analysis.sweep_records import SweepRecords

FREQUENCIES = (0.1, 0.3, 0.5)


@dataclass(frozen=True)
class Contest:
    """The policies of one facet at one request frequency.

    Attributes:
        facet: the other settings, in words.
        frequency: requests / interactions.
        accuracy: accuracy of each kind whose swept settings reach that frequency on both sides.
        winner: the kind that is above every other with a paired interval above 0; None without.
        lead: the difference to the second best; None with fewer than two kinds.
    """

    facet: str
    frequency: float
    accuracy: dict[str, Estimate]
    winner: str | None
    lead: Estimate | None


def contests(sweep: SweepRecords) -> list[Contest]:
    """Compare the policies at 10, 30 and 50% of requests, in every facet.

    Between two neighbouring settings of a policy, accuracy at a frequency in between is that of a
    mixture: each user's sums are interpolated linearly, so that differences stay paired on users.
    """
    return [
        _contest(sweep, facet, frequency) for facet in sweep.facets for frequency in FREQUENCIES
    ]


def leads(
    sweep: SweepRecords, settings: pd.DataFrame, first: int, others: Sequence[int]
) -> list[Estimate]:
    """Return how much more accurate one setting is than each of others, paired on users.

    Args:
        sweep: of the settings.
        settings: rows of `sweep.settings`.
        first: the position of its row.
        others: those of theirs.
    """
    frames = [sweep.sums_of(settings.iloc[row]) for row in (first, *others)]
    users = sorted(set().union(*(frame.index for frame in frames)))
    frames = [frame.reindex(users, fill_value=0.0) for frame in frames]
    ratios = UserResamples(len(users)).ratios(
        np.column_stack([frame[HEADLINE] for frame in frames]),
        np.column_stack([frame["interactions"] for frame in frames]),
    )
    return [ratios.difference(0, ratios, column) for column in range(1, len(frames))]


def _contest(sweep: SweepRecords, facet: str, frequency: float) -> Contest:
    settings = sweep.settings
    mine = settings[(settings["facet"] == facet) & settings["swept"].astype(bool)]
    mixtures = {
        str(kind): mixture
        for kind, part in mine.groupby("kind", sort=True)
        if (mixture := _mixture(sweep, part, frequency)) is not None
    }
    users = sorted(set().union(*(mixture.index for mixture in mixtures.values())))
    resamples = UserResamples(len(users))
    columns = {kind: mixture.reindex(users, fill_value=0.0) for kind, mixture in mixtures.items()}
    ratios = {kind: resamples.ratios(*_sums(frame)) for kind, frame in columns.items()}
    accuracy = {kind: ratio.estimate(0) for kind, ratio in ratios.items()}
    ranking = sorted(accuracy, key=lambda kind: -accuracy[kind].value)
    if len(ranking) < 2:
        return Contest(facet, frequency, accuracy, None, None)
    best = ratios[ranking[0]]
    ahead = [best.difference(0, ratios[other], 0) for other in ranking[1:]]
    winner = ranking[0] if all(lead.above_zero for lead in ahead) else None
    return Contest(facet, frequency, accuracy, winner, ahead[0])


def _mixture(sweep: SweepRecords, part: pd.DataFrame, frequency: float) -> pd.DataFrame | None:
    asked = part["request_frequency"].to_numpy(dtype=np.float64)
    if len(part) < 2 or not asked[0] <= frequency <= asked[-1]:
        return None
    right = min(max(1, int(np.searchsorted(asked, frequency))), len(asked) - 1)
    width = asked[right] - asked[right - 1]
    share = (frequency - asked[right - 1]) / width if width else 0.0
    lower = sweep.sums_of(part.iloc[right - 1])
    upper = sweep.sums_of(part.iloc[right])
    mixture = (1 - share) * lower.add(0 * upper, fill_value=0.0) + share * upper.add(
        0 * lower, fill_value=0.0
    )
    return mixture[["interactions", HEADLINE]]


def _sums(frame: pd.DataFrame) -> tuple[Any, Any]:
    return frame[[HEADLINE]].to_numpy(), frame[["interactions"]].to_numpy()
