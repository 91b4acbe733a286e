"""When attempts came and went, and when replicas worked: what a cloud's load is counted from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sim.cloud.batching.replica import Work


def _no_times() -> NDArray[np.float64]:
    return np.zeros(0)


@dataclass(frozen=True)
class CloudLoad:
    """Every attempt and every work of a run, up to the end of the simulation.

    At any time, attempts that arrived, less those that ended, wait or are worked on; those worked
    on are the `work_requests` of the works that have begun and not ended.

    Attributes:
        arrived_s: float64, shape [attempts]; when attempts arrived, ascending.
        ended_s: float64 arrays by the name of how attempts ended; when, ascending.
        work_start_s, work_end_s: float64, shape [works]; when replicas were busy, in any order.
        work_requests: int64, shape [works]; how many attempts they worked on together.
        waited_s: float64, shape [attempts that entered service]; how long each had been in the
            queue then, in any order. One that a crash sent back to the queue is there again if it
            enters service again, with what it waited since the crash.
    """

    arrived_s: NDArray[np.float64] = field(default_factory=_no_times)
    ended_s: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    work_start_s: NDArray[np.float64] = field(default_factory=_no_times)
    work_end_s: NDArray[np.float64] = field(default_factory=_no_times)
    work_requests: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    waited_s: NDArray[np.float64] = field(default_factory=_no_times)

    @classmethod
    def up_to(
        cls,
        horizon_s: float,
        arrived_s: Sequence[float],
        ended_s: dict[str, Sequence[float]],
        works: Sequence[Work],
    ) -> "CloudLoad":
        """Leave out what lies after the end of the simulation, and cut works that go beyond it.

        Args:
            horizon_s: the end.
            arrived_s: when attempts arrived, ascending.
            ended_s: when they ended, ascending, by how.
            works: of all replicas, those that began before the end.
        """
        return cls(
            arrived_s=_up_to(horizon_s, arrived_s),
            ended_s={name: _up_to(horizon_s, times_s) for name, times_s in ended_s.items()},
            work_start_s=np.array([work.start_s for work in works], np.float64),
            work_end_s=np.array([min(work.end_s, horizon_s) for work in works], np.float64),
            work_requests=np.array([work.requests for work in works], np.int64),
            waited_s=np.array(list(chain.from_iterable(work.waited_s for work in works))),
        )

    def batch_size_mean(self, over_time: bool) -> float | None:
        """Return how many attempts were worked on together in the mean; None where none were.

        Args:
            over_time: whether each work weighs as long as it lasted, as where a batch changes from
                one work to the next; else all weigh alike, each being a batch.
        """
        if not len(self.work_requests):
            return None
        if not over_time:
            return float(self.work_requests.mean())
        seconds = self.work_end_s - self.work_start_s
        busy_s = float(seconds.sum())
        return float(seconds @ self.work_requests) / busy_s if busy_s else None


def _up_to(horizon_s: float, ascending_s: Sequence[float]) -> NDArray[np.float64]:
    times_s = np.array(ascending_s, np.float64)
    return times_s[times_s <= horizon_s]
