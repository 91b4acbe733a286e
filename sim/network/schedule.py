"""Regimes that follow one another by a given schedule."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar, Self

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
    """The schedule of a share of the devices, or of hardware classes."""

    share: FiniteFloat | None = Field(default=None, gt=0, le=1)
    """Probability that a device follows it; all schedules' add up to 1."""
    device_class: str | tuple[str, ...] | None = Field(default=None, min_length=1)
    """Instead of `share`: devices of this class, or of these, follow it. Each of `devices.classes`
    is in one of the schedules."""
    schedule: Schedule
    """Its changes: the regime at 0 s first."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("share", "device_class"),)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that follow it; none where a share of the devices does."""
        given = self.device_class or ()
        return (given,) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _somebody_follows_it_and_it_ascends(self) -> Self:
        if self.share is None and not self.classes:
            raise invalid("says not who follows it: give share or device_class")
        check_schedule(self.schedule, "schedule")
        return self


class ScheduledChanges:
    """The changes of a fleet whose devices follow schedules.

    Args:
        schedules: each with the share of devices that follow it, or each with classes.
        names: of all regimes, in the order of their positions.
        seed: of the draw of who follows which, if they go by shares.
        classes: str, shape [devices]; name of each device's hardware class.

    Raises:
        ValueError: there are devices of a class that no schedule names.
    """

    def __init__(
        self,
        schedules: Sequence[ScheduleOfSome],
        names: Sequence[str],
        seed: int,
        classes: NDArray[np.str_],
    ) -> None:
        self._changes = [
            [(change.at_s or -math.inf, names.index(change.regime)) for change in each.schedule]
            for each in schedules
        ]
        if schedules[0].share is None:
            self.followed = _followed_by_class(schedules, classes)
        else:
            shares = np.cumsum([each.share for each in schedules])
            uniform = draws.uniform(seed, "mobility schedule", 0, len(classes)) * shares[-1]
            self.followed = np.searchsorted(shares, uniform, side="right")

    def of(self, device: int) -> Iterator[tuple[float, int]]:
        """Yield when the device gets into which regime."""
        yield from self._changes[self.followed[device]]


def _followed_by_class(
    schedules: Sequence[ScheduleOfSome], classes: NDArray[np.str_]
) -> NDArray[np.int64]:
    """Return the position of the schedule that each device follows: int64, shape [devices]."""
    followed = np.full(len(classes), -1)
    for position, each in enumerate(schedules):
        followed[np.isin(classes, each.classes)] = position
    if (followed < 0).any():
        raise ValueError("no schedule names the hardware class of some devices")
    return followed
