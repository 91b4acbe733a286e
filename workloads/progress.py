"""Progress of long work, as a protocol: whoever shows it lives above, and nothing here prints."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Report that a part of a phase is done."""

    def __call__(self, amount: float = 1, note: str = "") -> None:
        """Add `amount` to what is done, in the units of the phase's total, and show `note`."""
        ...


class Progress(Protocol):
    """Where long work says how far it is."""

    def phase(self, title: str, total: float) -> AbstractContextManager[Advance]:
        """Open a phase of `total` units of work; the context yields how to advance it."""
        ...


class Silent:
    """Progress that nobody watches."""

    @contextmanager
    def phase(self, title: str, total: float) -> Iterator[Advance]:  # noqa: ARG002
        """Open a phase that shows nothing."""

        def advance(amount: float = 1, note: str = "") -> None:
            pass

        yield advance


SILENT: Progress = Silent()
