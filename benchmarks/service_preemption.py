"""Times by the clock, and which of them were taken while other programs had the processor.

What a server takes is what the clock says, with all that it waits for: threads that share the work
wait for one another, and that is part of the model's time though no thread computes in it. So the
processor time of a thread is less than the model takes. But the clock also counts while other
programs on this host have the processor, which is no part of the model. Work in which that was so
is disturbed, and does not count.

Linux tells how long each thread was ready to run and had no processor (`schedstat`: Documentation/
scheduler/sched-stats.rst of the kernel). Elsewhere it counts as disturbed if the thread that was
asked to compute did not, for whatever reason.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_QUEUED = 0.1
"""Work is disturbed if its threads waited for a processor for a larger share of its time."""
LEAST_UNDISTURBED = 3
"""Fewer undisturbed times of some work tell little."""
THREADS = Path("/proc/self/task")


def queued_s() -> float:
    """Return for how long the threads of this process were ready to run without a processor."""
    total_ns = 0
    try:
        for thread in os.listdir(THREADS):
            try:
                total_ns += int((THREADS / thread / "schedstat").read_bytes().split()[1])
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                continue
    except OSError:  # no such directory, or not for us
        total_ns = 0
    return total_ns / 1e9 if total_ns else time.perf_counter() - time.thread_time()


@dataclass(frozen=True)
class Instant:
    """A moment between two parts of some work; reading the clocks is in neither of them.

    Attributes:
        until_s, since_s: the clock, when the part before ended and when the next one began.
        computed_s: how long the calling thread has computed.
        queued_s: how long threads have waited for a processor.
    """

    until_s: float
    since_s: float
    computed_s: float
    queued_s: float

    @classmethod
    def now(cls, on_processor: bool) -> "Instant":
        """Read the clocks; where the processor does not compute, nobody can take it away."""
        until_s = time.perf_counter()
        if not on_processor:
            return cls(until_s, until_s, until_s, 0.0)
        computed_s, queued = time.thread_time(), queued_s()
        return cls(until_s, time.perf_counter(), computed_s, queued)


@dataclass(frozen=True)
class Taken:
    """How long the parts of a piece of work took, once.

    Attributes:
        seconds: float64, shape [parts]; by the clock.
        computed_s: float64, shape [parts]; in which the calling thread computed.
        queued: float64, shape [parts]; for how long threads waited for a processor, as a share of
            `seconds`; more than 1 where several waited.
    """

    seconds: Floats
    computed_s: Floats
    queued: Floats

    @classmethod
    def between(cls, instants: Sequence[Instant]) -> "Taken":
        """Return the parts between successive instants."""
        until_s = np.array([each.until_s for each in instants[1:]])
        seconds = until_s - [each.since_s for each in instants[:-1]]
        computed_s = np.diff([each.computed_s for each in instants])
        queued = np.diff([each.queued_s for each in instants])
        return cls(seconds, computed_s, queued / np.maximum(seconds, 1e-9))

    @property
    def undisturbed(self) -> NDArray[np.bool_]:
        """Whether a part was left alone: bool, shape [parts]."""
        return self.queued <= MOST_QUEUED

    @property
    def total_s(self) -> float:
        """All parts together, s."""
        return float(self.seconds.sum())


@dataclass(frozen=True)
class Estimate:
    """What a part of some work takes in the mean.

    Attributes:
        seconds: by the clock; of parts that were never left alone, the processor time of the thread
            that was asked, which leaves out its waits for other threads.
        disturbed: the share of the parts that were never left alone.
    """

    seconds: float
    disturbed: float

    @classmethod
    def of(cls, taken: Sequence[Taken]) -> "Estimate":
        """Take each part's median over the times at which it was undisturbed.

        Args:
            taken: the same work, time after time.
        """
        left_alone = np.stack([each.undisturbed for each in taken])
        seconds = np.stack([each.seconds for each in taken])
        known = left_alone.sum(axis=0) >= min(LEAST_UNDISTURBED, len(taken))
        by_clock = [np.median(seconds[left_alone[:, part], part]) for part in np.flatnonzero(known)]
        estimate = np.median([each.computed_s for each in taken], axis=0)
        estimate[known] = by_clock
        return cls(float(estimate.mean()), float(1 - known.mean()))
