"""How requests ended: the outcomes, and which of them brought the device a list."""

import numpy as np
from numpy.typing import NDArray

from analysis.stored_columns import Columns

OUTCOMES = ("delivered", "timed_out", "rejected", "lost", "superseded", "in_flight")

#: The outcomes of requests whose reply the device took.
ANSWERED = ("delivered", "superseded")


def outcome_counts(requests: Columns) -> dict[str, int]:
    """Return how many requests ended in each outcome; the counts add up to the requests.

    Raises:
        ValueError: if a request has an outcome that is not one of `OUTCOMES`.
    """
    counts = {str(name): int(count) for name, count in requests["outcome"].value_counts().items()}
    unknown = sorted(name for name, count in counts.items() if count and name not in OUTCOMES)
    if unknown:
        raise ValueError(f"unknown outcome {unknown[0]!r}; outcomes are {', '.join(OUTCOMES)}")
    return {name: counts.get(name, 0) for name in OUTCOMES}


def answered(requests: Columns) -> NDArray[np.bool_]:
    """Return whether the device took the reply of each request: bool, shape [requests]."""
    return np.asarray(requests["outcome"].isin(ANSWERED), dtype=np.bool_)
