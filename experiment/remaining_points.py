"""Which points of a sweep remain to be run: not done, or done of something else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiment.named_contents import NamedContents, read_manifest
from experiment.sweep_points import SweepPoint
from experiment.versions import changed_versions


@dataclass(frozen=True)
class RemainingPoints:
    """What a directory lacks of a sweep.

    Attributes:
        points: to be run, in the order of the sweep.
        made_again: how many of them are done, but of other data, files or versions.
        changed: keys of the data and files, and what has another version, that have changed since.
    """

    points: tuple[SweepPoint, ...]
    made_again: int
    changed: tuple[str, ...]

    def reason(self) -> str:
        """Return why points are made again, on one line; nothing where none are."""
        if not self.made_again:
            return ""
        have = "has" if len(self.changed) == 1 else "have"
        what = " and ".join(self.changed)
        return f"points made again: {self.made_again}, as {what} {have} changed since"


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
    all_changed: dict[str, None] = {}
    made_again = 0
    for point in points:
        own = point_directory(directory, point)
        if not (own / "summary.json").exists():
            remaining.append(point)
        elif changed := (
            *contents.changed(point.scenario, own),
            *changed_versions(read_manifest(own).get("versions", {})),
        ):
            remaining.append(point)
            made_again += 1
            all_changed |= dict.fromkeys(changed)
    return RemainingPoints(tuple(remaining), made_again, tuple(all_changed))
