"""A few terms with a reading, fitted to measured times of one stage of a model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from sim.cloud.service_time.profile import FitError, StageSeconds

Floats = NDArray[np.float64]

PREFILL_TERMS = (
    "seconds",
    "seconds_per_sequence",
    "seconds_per_token",
    "seconds_per_token_pair",
)
"""Token pairs are what attention costs in one pass: the sum of the squared lengths."""
DECODE_TERMS = ("seconds", "seconds_if_batched", "seconds_per_sequence", "seconds_per_token")
"""The keys and values of every kept token are read once, and the weights are multiplied with one
vector or with several."""
WORTH_A_TERM = 0.005
"""A further term must lower the mean relative error by more."""


@dataclass(frozen=True)
class Timings:
    """Measured passes over batches whose sequences have as many tokens.

    Attributes:
        sequences: float64, shape [points].
        tokens: float64, shape [points]: of each sequence.
        seconds: float64, shape [points]: of one pass.
    """

    sequences: Floats
    tokens: Floats
    seconds: Floats

    def part(self, which: NDArray[np.bool_]) -> "Timings":
        """Return some of the points: bool [points]."""
        return Timings(self.sequences[which], self.tokens[which], self.seconds[which])

    def relative_errors(self, stage: StageSeconds) -> Floats:
        """Return (predicted - measured) / measured of each point: float64 [points]."""
        return predicted_s(stage, self) / self.seconds - 1


def predicted_s(stage: StageSeconds, timings: Timings) -> Floats:
    """Return what a fitted stage says of each point, s: float64 [points]."""
    columns = _columns(timings)
    coefficient = np.array([getattr(stage, term) for term in columns])
    total: Floats = coefficient @ np.stack(list(columns.values()))
    return np.maximum(stage.least_seconds, total)


def error_of(relative_errors: Floats) -> FitError:
    """Return the median and the 95th percentile of the sizes of some relative errors."""
    size = np.abs(relative_errors)
    return FitError(median=float(np.median(size)), p95=float(np.quantile(size, 0.95)))


def fit(timings: Timings, terms: Sequence[str]) -> StageSeconds:
    """Fit the terms that predict best what they were not fitted to.

    A choice of terms, with or without a floor, is judged by leaving out one batch size, length
    (the least and the most stay) or point after another, fitting the rest and predicting what was
    left out. Of the choices whose mean relative error is within
    `WORTH_A_TERM` of the smallest, that of the fewest terms is fitted to all points.

    Args:
        timings: what to fit.
        terms: coefficients of `StageSeconds` to choose from.
    """
    folds = list(_left_out(timings))

    def judged(choice: tuple[str, ...], floored: bool) -> float:
        errors = [
            timings.part(out).relative_errors(_fitted(timings.part(~out), choice, floored))
            for out in folds
        ]
        return float(np.abs(np.concatenate(errors)).mean())

    choices = [
        (choice, floored)
        for count in range(1, len(terms) + 1)
        for choice in combinations(terms, count)
        for floored in (False, True)
    ]
    error = {each: judged(*each) for each in choices}
    good = min(error.values()) + WORTH_A_TERM
    return _fitted(timings, *next(each for each in choices if error[each] <= good))


def _left_out(timings: Timings) -> Iterator[NDArray[np.bool_]]:
    """Yield which points to leave out: bool [points]; each inner size and length, each point."""
    for column in (timings.sequences, timings.tokens):
        for level in np.unique(column)[1:-1]:
            yield column == level
    for point in range(len(timings.seconds)):
        yield np.arange(len(timings.seconds)) == point


def _fitted(timings: Timings, terms: Sequence[str], floored: bool) -> StageSeconds:
    """Fit coefficients to all points, and a floor under them if there is to be one.

    The floor is the mean of the fastest points, at most half of all and as many as fits best; the
    coefficients are fitted to the others.
    """
    plain = StageSeconds(**_coefficients(timings, terms))
    if not floored:
        return plain
    order = np.argsort(timings.seconds, kind="stable")
    candidates = [plain]
    for count in range(2, len(order) // 2 + 1):
        above = np.ones(len(order), np.bool_)
        above[order[:count]] = False
        floor_s = float(timings.seconds[~above].mean())
        coefficients = _coefficients(timings.part(above), terms)
        candidates.append(StageSeconds(**coefficients, least_seconds=floor_s))
    return min(candidates, key=lambda stage: float((timings.relative_errors(stage) ** 2).sum()))


def _coefficients(timings: Timings, terms: Sequence[str]) -> dict[str, float]:
    """Return the coefficients, none negative, of the least sum of squared relative errors."""
    columns = _columns(timings)
    share = np.stack([columns[term] / timings.seconds for term in terms], axis=1)
    size = np.linalg.norm(share, axis=0)  # seconds and token pairs differ by orders of magnitude
    fitted, _ = nnls(share / size, np.ones(len(share)))
    return dict(zip(terms, (fitted / size).tolist(), strict=True))


def _columns(timings: Timings) -> dict[str, Floats]:
    """Return what each coefficient of `StageSeconds` is multiplied with: float64 [points] each."""
    sequences, tokens = timings.sequences, timings.tokens
    return {
        "seconds": np.ones_like(sequences),
        "seconds_if_batched": np.where(sequences > 1, 1.0, 0.0),
        "seconds_per_sequence": sequences,
        "seconds_per_token": sequences * tokens,
        "seconds_per_token_pair": sequences * tokens**2,
    }
