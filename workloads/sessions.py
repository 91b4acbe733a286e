"""Who replays when, and how long: the devices' users, start times, think times and steps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads import disk_tables, draws
from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.splits import Split
from workloads.workload_settings import (
    BurstStart,
    LoggedThinkTime,
    LognormalThinkTime,
    SpreadStart,
    WorkloadSettings,
)

_BLOCK = 1 << 16


@dataclass(frozen=True)
class Sessions:
    """The session of each virtual device.

    Attributes:
        user: int64, shape [devices]: positions in the split's `device_users`.
        start_s: float64, shape [devices]: simulated time of the first decision.
        think_s: float64, shape [devices, replay_steps - 1]: time from the list shown at step t to
            the decision of step t + 1.
        steps: int64, shape [devices]: how many of its window's steps each device lives through,
            at least 1; those after its user left for good never happen.
    """

    user: NDArray[np.int64]
    start_s: NDArray[np.float64]
    think_s: NDArray[np.float64]
    steps: NDArray[np.int64]

    def __post_init__(self) -> None:
        for column in (self.user, self.start_s, self.think_s, self.steps):
            column.setflags(write=False)

    @property
    def devices(self) -> int:
        """Number of virtual devices."""
        return len(self.user)

    @property
    def thinking_s(self) -> NDArray[np.float64]:
        """Sum of each device's think times: float64, shape [devices]."""
        thinking_s = np.empty(self.devices)
        for start in range(0, self.devices, _BLOCK):
            block = slice(start, start + _BLOCK)
            np.sum(self.think_s[block], axis=1, out=thinking_s[block])
            disk_tables.let_go(self.think_s)
        return thinking_s

    def of_first(self, devices: int) -> "Sessions":
        """Return the sessions of the first so many devices."""
        return Sessions(
            user=self.user[:devices],
            start_s=self.start_s[:devices],
            think_s=self.think_s[:devices],
            steps=self.steps[:devices],
        )


def sessions(
    log: InteractionLog,
    split: Split,
    settings: WorkloadSettings,
    seed: int,
    leaving_per_step: float = 0.0,
    among: NDArray[np.int64] | None = None,
) -> Sessions:
    """Draw the devices' sessions.

    Every draw depends on the seed and on its own device and step alone. The first devices cover
    all eligible users in a random order, the next cover them again in another, and so on.

    Args:
        log: gives the gaps of logged think times.
        split: gives the eligible users and their replay windows.
        settings: number of devices, think times and starts.
        seed: the simulation's seed.
        leaving_per_step: probability, below 1, that a user leaves for good after a step.
        among: int64: the users that devices replay, as positions in the split's `device_users`;
            None: all of them.

    Raises:
        WorkloadError: logged think times are asked of a log without times.
    """
    users = np.arange(len(split.device_users)) if among is None else among
    devices = len(users) if settings.devices == "all" else settings.devices
    user = users[_users_in_turn(seed, devices, len(users))]
    match settings.think_time:
        case LognormalThinkTime() as lognormal:
            think_s = _lognormal_s(seed, devices, split.replay_steps - 1, lognormal)
        case LoggedThinkTime() as logged:
            think_s = _logged_s(log, split, logged)[user]
    return Sessions(
        user=user,
        start_s=_start_s(seed, devices, settings.starts),
        think_s=think_s,
        steps=_steps(seed, devices, split.replay_steps, leaving_per_step),
    )


def _start_s(seed: int, devices: int, starts: SpreadStart | BurstStart) -> NDArray[np.float64]:
    """Return the time of each device's first decision."""
    spread_s: NDArray[np.float64] = starts.spread_s * draws.uniform(seed, "start", 0, devices)
    if isinstance(starts, SpreadStart):
        return spread_s
    skew_s = starts.clock_skew_s * draws.standard_normal(seed, "clock skew", 0, devices)
    in_burst = draws.uniform(seed, "burst", 0, devices) < starts.share
    return np.where(in_burst, np.maximum(starts.at_s + skew_s, 0.0), spread_s)


def _steps(
    seed: int, devices: int, replay_steps: int, leaving_per_step: float
) -> NDArray[np.int64]:
    """Return how many steps each device lives through.

    With the probability p of leaving after each step, more than k steps are lived through with
    probability (1 - p)^k: 1 + a geometric number, by inversion of one uniform draw a device, cut at
    the end of the window.
    """
    steps = np.full(devices, replay_steps, np.int64)
    if leaving_per_step:
        draw = draws.uniform(seed, "churn", 0, devices)
        stayed = np.floor(np.log(draw) / np.log1p(-leaving_per_step))
        steps = np.minimum(1 + stayed, replay_steps).astype(np.int64)
    return steps


def _users_in_turn(seed: int, devices: int, users: int) -> NDArray[np.int64]:
    """Return each device's user: a new permutation of all users for each `users` devices."""
    rounds = -(-devices // users)
    order = [
        np.argsort(draws.uniform(seed, "user", round_, users), kind="stable")
        for round_ in range(rounds)
    ]
    return np.concatenate(order)[:devices].astype(np.int64)


def _lognormal_s(
    seed: int, devices: int, gaps: int, think_time: LognormalThinkTime
) -> NDArray[np.float64]:
    """Return lognormal think times: float64, shape [devices, gaps]."""

    def to_think_s(drawn: NDArray[np.float64]) -> None:
        draws.to_standard_normal(drawn)
        drawn *= think_time.sigma
        np.exp(drawn, out=drawn)
        drawn *= think_time.median_s
        np.minimum(drawn, think_time.cap_s, out=drawn)

    return draws.table(seed, "think", devices, gaps, to_think_s)


def _logged_s(
    log: InteractionLog, split: Split, think_time: LoggedThinkTime
) -> NDArray[np.float64]:
    """Return the gaps in each eligible user's replay: float64, shape [eligible users, gaps]."""
    if log.times_s is None:
        raise WorkloadError(
            f"{log.name} has no logged times; choose think_time: {{kind: lognormal}}",
            key="workload.think_time",
        )
    first = log.offsets[split.device_users] + split.replay_start[split.device_users]
    times_s = log.times_s[first[:, None] + np.arange(split.replay_steps)]
    gaps_s: NDArray[np.float64] = np.diff(times_s, axis=1)
    return np.clip(gaps_s, think_time.floor_s, think_time.cap_s)
