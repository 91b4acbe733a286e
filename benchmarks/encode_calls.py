"""How often models read histories, and how many positions, in this process."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from models import reading
from models.recommender import Recommender


@dataclass(frozen=True)
class EncodeCalls:
    """Passes of one model.

    Attributes:
        calls: passes over a batch of histories.
        positions: in all of these, padding included.
    """

    calls: int = 0
    positions: int = 0


class EncodeCounts:
    """Passes of all kinds of models so far."""

    def __init__(self) -> None:
        self._calls: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def note(self, model: Recommender, positions: int) -> None:
        """Take a pass down."""
        counted = self._calls[type(model).__name__]
        counted[0] += 1
        counted[1] += positions

    def of(self, kind: str) -> EncodeCalls:
        """Return the passes of models of one class."""
        return EncodeCalls(*self._calls[kind])


@contextmanager
def counting() -> Iterator[EncodeCounts]:
    """Count the passes that `models.reading` makes."""
    counts, plain = EncodeCounts(), reading.encode

    def counted(model: Recommender, histories: Any) -> Any:
        counts.note(model, histories.numel())
        return plain(model, histories)

    reading.encode = counted
    try:
        yield counts
    finally:
        reading.encode = plain
