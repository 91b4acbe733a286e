"""The knowledge cut-off: how much of the training data an LLM has learnt from."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from workloads.interaction_log import InteractionLog
from workloads.splits import Split

KEY = "models.llm.trained_until"


def known_split(log: InteractionLog, split: Split, trained_until: float | str | None) -> Split:
    """Return the split whose training part ends at the cut-off; all else stays where it was.

    Only what a model learns from is cut, not what it reads: a list is still generated from the
    whole context up to its basis. Weights are old, contexts are not. Calibration steps stay, so a
    model with a cut-off is stopped early by the same data as one without.

    Args:
        log: the interactions.
        split: of them.
        trained_until: None: all of the training part. A fraction f in (0, 1]: the first
            floor(f n) of a user's n training interactions, at least 1 of any. An ISO date: those
            before that date (UTC).

    Raises:
        ModelError: a date for a log without times, or one that leaves nothing to predict.
    """
    if trained_until is None:
        return split
    if isinstance(trained_until, str):
        stop = np.minimum(split.train_stop, _before(log, date.fromisoformat(trained_until)))
    else:
        # 0.29 x 100 is 28.999...: the rounding of the product must not cost an interaction.
        cut = np.floor(trained_until * split.train_stop + 1e-9).astype(np.int64)
        stop = np.maximum(cut, np.minimum(split.train_stop, 1))
    if not (stop >= 2).any():
        raise ModelError(
            f"is {trained_until}, which leaves no user of {log.name} two training interactions; "
            "accepted: a later date or a larger fraction",
            key=KEY,
        )
    return replace(split, train_stop=stop)


def in_words(trained_until: float | str) -> str:
    """Return the cut-off as a reader understands it."""
    if isinstance(trained_until, str):
        return f"training interactions before {trained_until}"
    return f"the first {trained_until:.0%} of each user's training interactions"


def _before(log: InteractionLog, day: date) -> NDArray[np.int64]:
    """Return each user's number of interactions before a day begins (UTC): int64, shape [users]."""
    if log.times_s is None:
        raise ModelError(
            f"is a date, and {log.name} has no times; accepted: a fraction in (0, 1], or null",
            key=KEY,
        )
    begins_s = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    running = np.concatenate(([0], np.cumsum(log.times_s < begins_s)))
    return np.diff(running[log.offsets]).astype(np.int64)
