"""Progress that stops the work after some parts, and remembers what it was told."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from workloads.progress import Advance


class Interrupting:
    def __init__(self, parts: float = math.inf) -> None:
        self.left = parts
        self.done = 0.0
        self.phases: list[tuple[str, float]] = []

    @contextmanager
    def phase(self, title: str, total: float) -> Iterator[Advance]:
        self.phases.append((title, total))

        def advance(amount: float = 1, note: str = "") -> None:  # noqa: ARG001
            self.done += amount
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

        yield advance
