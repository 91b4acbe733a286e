"""Traces of packet opportunities, as Mahimahi records and replays them."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workloads.settings import invalid

OPPORTUNITY_BYTES = 1500
"""What crosses at an opportunity at most (mm-link(1) of Mahimahi; its program allows 1504, because
its packets carry 4 bytes of the tunnel that brings them, which no real link carries)."""

_DIRECTORY = "LSC_TRACES"
_LONGEST_DIGITS = 15
_ACCEPTED = (
    "accepted is a Mahimahi trace: on each line one whole number of ms, none below the line "
    "before, the last above 0"
)


@dataclass(frozen=True)
class PacketTrace:
    """When packets can cross a link, over and over again.

    The trace repeats with its last time as the period, so the last opportunity of a round and one
    at 0 ms of the next are at the same time, and there are both. Lines with the same time are that
    many opportunities (Mahimahi, Netravali et al., USENIX ATC 2015: what its `LinkQueue` does).
    Opportunities are counted from 0, round after round.

    Attributes:
        times_ms: int64, ascending; the opportunities of a round, from its start.
    """

    times_ms: NDArray[np.int64]

    @property
    def period_ms(self) -> int:
        """How long a round lasts."""
        return int(self.times_ms[-1])

    def count_until(self, position_ms: int) -> int:
        """Return how many opportunities there are from the start up to and at that time."""
        rounds, rest_ms = divmod(position_ms, self.period_ms)
        return rounds * len(self.times_ms) + int(self.times_ms.searchsorted(rest_ms, "right"))

    def position_ms(self, opportunity: int) -> int:
        """Return when an opportunity is, counted from the start of the first round."""
        rounds, line = divmod(opportunity, len(self.times_ms))
        return rounds * self.period_ms + int(self.times_ms[line])

    @classmethod
    def read(cls, name: str) -> "PacketTrace":
        """Read a trace.

        Args:
            name: with a slash a path; otherwise a file of the directory that the environment
                variable `LSC_TRACES` names, or else of the working directory.

        Raises:
            PydanticCustomError: there is no such file, or it is malformed; for validators.
        """
        path = find_trace(name)
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise invalid(f"{path} cannot be read ({error.strerror}); {_ACCEPTED}") from None
        if not lines:
            raise invalid(f"{path} is empty; {_ACCEPTED}")
        for number, line in enumerate(lines, start=1):
            if not line.isdigit() or len(line) > _LONGEST_DIGITS:
                text = line.decode(errors="replace")
                raise invalid(f"{path}, line {number} is {text[:20]!r}; {_ACCEPTED}")
        times_ms = np.array(lines).astype(np.int64)
        backwards = np.flatnonzero(np.diff(times_ms) < 0)
        if len(backwards):
            at = int(backwards[0]) + 1
            went = f"is {times_ms[at]}, below the {times_ms[at - 1]} of the line before"
            raise invalid(f"{path}, line {at + 1} {went}; {_ACCEPTED}")
        if not times_ms[-1]:
            raise invalid(f"{path}, line {len(lines)} is 0, and it is the last; {_ACCEPTED}")
        return cls(times_ms)


def find_trace(name: str) -> Path:
    """Return where the trace of that name lies, as `PacketTrace.read` looks for it.

    Raises:
        PydanticCustomError: there is no such file; for validators.
    """
    path = Path(name).expanduser()
    directory = os.environ.get(_DIRECTORY)
    among = [path] if "/" in name or not directory else [Path(directory) / name, path]
    found = next((each for each in among if each.is_file()), None)
    if found is None:
        looked_for = " and ".join(str(each.absolute()) for each in among)
        raise invalid(
            f"there is no trace file {name!r} (looked for {looked_for}); accepted: a file in "
            f"{_DIRECTORY} ({directory or 'not set'}) or else in the working directory, or a path "
            "with a slash; https://github.com/ravinet/mahimahi/tree/master/traces has some"
        )
    return found
