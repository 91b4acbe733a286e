"""Who replays when: the devices' users, start times and think times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads import draws
from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.splits import Split
from workloads.workload_settings import LoggedThinkTime, LognormalThinkTime, WorkloadSettings


@dataclass(frozen=True)
class Sessions:
    """The session of each virtual device.

    Attributes:
        user: int64, shape [devices]: positions in the split's `device_users`.
        start_s: float64, shape [devices]: simulated time of the first decision.
        think_s: float64, shape [devices, replay_steps - 1]: time from the list shown at step t to
            the decision of step t + 1.
    """

    user: NDArray[np.int64]
    start_s: NDArray[np.float64]
    think_s: NDArray[np.float64]

    def __post_init__(self) -> None:
        for column in (self.user, self.start_s, self.think_s):
            column.setflags(write=False)

    @property
    def devices(self) -> int:
        """Number of virtual devices."""
        return len(self.user)


def sessions(log: InteractionLog, split: Split, settings: WorkloadSettings, seed: int) -> Sessions:
    """Draw the devices' sessions.

    Every draw depends on the seed and on its own device and step alone. The first devices cover
    all eligible users in a random order, the next cover them again in another, and so on.

    Args:
        log: gives the gaps of logged think times.
        split: gives the eligible users and their replay windows.
        settings: number of devices, think time and spread of the starts.
        seed: the simulation's seed.

    Raises:
        WorkloadError: logged think times are asked of a log without times.
    """
    users = len(split.device_users)
    devices = users if settings.devices == "all" else settings.devices
    user = _users_in_turn(seed, devices, users)
    match settings.think_time:
        case LognormalThinkTime() as lognormal:
            think_s = _lognormal_s(seed, devices, split.replay_steps - 1, lognormal)
        case LoggedThinkTime() as logged:
            think_s = _logged_s(log, split, logged)[user]
    return Sessions(
        user=user,
        start_s=settings.start_spread_s * draws.uniform(seed, "start", 0, devices),
        think_s=think_s,
    )


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
    normal = draws.standard_normal_table(seed, "think", devices, gaps)
    think_s: NDArray[np.float64] = think_time.median_s * np.exp(think_time.sigma * normal)
    return np.minimum(think_s, think_time.cap_s)


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
