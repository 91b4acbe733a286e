"""Which points of a sweep remain to be run: those that are not done, or done of other contents."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiment.named_contents import NamedContents
from experiment.sweep_points import SweepPoint


@dataclass(frozen=True)
class RemainingPoints:
    """What a directory lacks of a sweep.

    Attributes:
        points: to be run, in the order of the sweep.
        made_again: how many of them are done, but of other contents of the files that they name.
        changed_keys: keys of these files.
    """

    points: tuple[SweepPoint, ...]
    made_again: int
    changed_keys: tuple[str, ...]

    def reason(self) -> str:
        """Return why points are made again, on one line; nothing where none are."""
        if not self.made_again:
            return ""
        keys = " and ".join(self.changed_keys)
        have = "has" if len(self.changed_keys) == 1 else "have"
        return f"points made again: {self.made_again}, as {keys} {have} changed since"


def point_directory(directory: Path, point: SweepPoint) -> Path:
    """Return where a sweep's directory holds a point."""
    return directory / "points" / point.id


def remaining_points(
    points: Sequence[SweepPoint], directory: Path, contents: NamedContents
) -> RemainingPoints:
    """Compare the points of a sweep with those that its directory holds.

    Raises:
        WorkloadError, ModelError: something that a finished point names is not there any more.
    """
    remaining: list[SweepPoint] = []
    changed_keys: dict[str, None] = {}
    made_again = 0
    for point in points:
        own = point_directory(directory, point)
        if not (own / "summary.json").exists():
            remaining.append(point)
        elif changed := contents.changed(point.scenario, own):
            remaining.append(point)
            made_again += 1
            changed_keys |= dict.fromkeys(changed)
    return RemainingPoints(tuple(remaining), made_again, tuple(changed_keys))
