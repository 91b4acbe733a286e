"""The points of a sweep that have no result, in `failed.json` of its directory."""

import json
from collections.abc import Iterator
from pathlib import Path

from experiment.failure import Failure
from experiment.staging import replace_text
from experiment.sweep_points import SweepPoint, in_words

FAILED_FILE = "failed.json"


class FailedPoints:
    """The points that failed in this invocation, recorded as they do.

    `failed.json` is there while points of the sweep have no result because they failed, and not
    otherwise: `{"failed": [...]}`, one object a point in the order in which they failed, with `id`,
    `values` (the swept keys and values), `point` (these in words), `error` (the class of what was
    raised), `key` (of the scenario; empty where it is about none), `message` (one line) and
    `traceback` (null for what the user can mend).

    Args:
        directory: of the sweep.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / FAILED_FILE
        self._failures: dict[str, tuple[SweepPoint, Failure]] = {}
        self._file.unlink(missing_ok=True)

    def add(self, point: SweepPoint, failure: Failure) -> None:
        """Record that a point failed."""
        self._failures[point.id] = point, failure
        rows = [
            {
                "id": failed.id,
                "values": failed.values,
                "point": in_words(failed.values),
                "error": failure.error,
                "key": failure.key,
                "message": failure.message,
                "traceback": failure.traceback or None,
            }
            for failed, failure in self
        ]
        replace_text(self._file, json.dumps({"failed": rows}, indent=2, default=str) + "\n")

    def __len__(self) -> int:
        return len(self._failures)

    def __iter__(self) -> Iterator[tuple[SweepPoint, Failure]]:
        return iter(self._failures.values())

    def __contains__(self, point: object) -> bool:
        return isinstance(point, SweepPoint) and point.id in self._failures

    def forget(self) -> None:
        """Record nothing after all."""
        self._failures.clear()
        self._file.unlink(missing_ok=True)

    @property
    def are_mendable(self) -> bool:
        """Whether the user can mend all that went wrong."""
        return all(failure.mendable for _, failure in self)

    @property
    def are_one_mendable(self) -> bool:
        """Whether all failed by the same thing, which the user can mend."""
        return self.are_mendable and len({failure for _, failure in self}) == 1

    def in_one_line(self, points: int) -> str:
        """Return how many of all `points` failed, and the first error."""
        point, failure = next(iter(self))
        return (
            f"{len(self)} of {points} points failed, the first at {in_words(point.values)}: "
            f"{failure} (all in {self._file}; --resume tries them again)"
        )
