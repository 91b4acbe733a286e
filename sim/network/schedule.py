"""Regimes that follow one another by a given schedule."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, model_validator

from workloads import draws
from workloads.settings import Settings, invalid


class Change(Settings):
    """A device gets into a regime."""

    at_s: FiniteFloat = Field(ge=0)
    """When, in simulated time."""
    regime: str
    """Which one; `none` is no coverage."""


Schedule = tuple[Change, ...]


def check_schedule(schedule: Schedule, key: str) -> None:
    """Refuse a schedule that does not begin at 0, or does not ascend.

    Args:
        schedule: what to look at.
        key: its key, for the error.

    Raises:
        PydanticCustomError: with what is wrong.
    """
    if not schedule or schedule[0].at_s:
        raise invalid("must begin with the regime at_s 0", key)
    for earlier, later in pairwise(schedule):
        if later.at_s <= earlier.at_s:
            raise invalid(f"has {later.at_s:g} s after {earlier.at_s:g} s; times must ascend", key)


class ScheduleOfSome(Settings):
    """The schedule of a share of the devices."""

    share: FiniteFloat = Field(gt=0, le=1)
    """Probability that a device follows it; all schedules' add up to 1."""
    schedule: Schedule
    """Its changes: the regime at 0 s first."""

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        check_schedule(self.schedule, "schedule")
        return self


class ScheduledChanges:
    """The changes of a fleet whose devices follow schedules.

    Args:
        schedules: each with the share of devices that follow it.
        names: of all regimes, in the order of their positions.
        seed, devices: of the draw of who follows which.
    """

    def __init__(
        self,
        schedules: Sequence[ScheduleOfSome],
        names: Sequence[str],
        seed: int,
        devices: int,
    ) -> None:
        self._changes = [
            [(change.at_s or -math.inf, names.index(change.regime)) for change in each.schedule]
            for each in schedules
        ]
        shares = np.cumsum([each.share for each in schedules])
        uniform = draws.uniform(seed, "mobility schedule", 0, devices) * shares[-1]
        self.followed: NDArray[np.int64] = np.searchsorted(shares, uniform, side="right")

    def of(self, device: int) -> Iterator[tuple[float, int]]:
        """Yield when the device gets into which regime."""
        yield from self._changes[self.followed[device]]
