"""Which interactions train, which calibrate, and which are replayed."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.workload_settings import GlobalTimeSplit, PerUserSplit, WorkloadSettings

_PER_USER = (
    "Per user: each user's last interactions are replayed, those just before calibrate, and the "
    "rest trains. A device's own replay never reaches the models, but other users' interactions "
    "of later dates do, so accuracy is somewhat better than a model trained on the past would "
    "reach."
)
_GLOBAL_TIME = (
    "Global time: everything before one date trains, the time up to a second date calibrates, and "
    "replays begin at that second date. Nothing that anybody did later reaches the models."
)


@dataclass(frozen=True)
class Split:
    """Which of a log's interactions train, calibrate and are replayed.

    Positions count from 0 within a user's own interactions. User u trains on [0, `train_stop[u]`)
    and, where a device, calibrates on [`calibration_start[u]`, `replay_start[u]`) and replays
    [`replay_start[u]`, `replay_start[u]` + `replay_steps`). Users that are no devices calibrate
    on nothing.

    Attributes:
        kind: per_user or global_time.
        replay_steps: T, interactions that a device replays.
        train_stop: int64, shape [users].
        calibration_start: int64, shape [users].
        replay_start: int64, shape [users].
        device_users: int64, shape [eligible users], ascending: the users that can be devices.
    """

    kind: str
    replay_steps: int
    train_stop: NDArray[np.int64]
    calibration_start: NDArray[np.int64]
    replay_start: NDArray[np.int64]
    device_users: NDArray[np.int64]

    def __post_init__(self) -> None:
        for column in self._columns:
            column.setflags(write=False)

    @property
    def _columns(self) -> tuple[NDArray[np.int64], ...]:
        return (self.train_stop, self.calibration_start, self.replay_start, self.device_users)

    @property
    def description(self) -> str:
        """What the split means for the answer, in plain words."""
        return _GLOBAL_TIME if self.kind == "global_time" else _PER_USER

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the split: the identity that caches are keyed by."""
        digest = hashlib.sha256(f"{self.kind} {self.replay_steps}".encode())
        for column in self._columns:
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


def split(log: InteractionLog, settings: WorkloadSettings) -> Split:
    """Split a log as `settings.split` says.

    `per_user`: a user's last `replay_steps` interactions are replayed, the `calibration_steps`
    before them calibrate, and the rest trains. A user with fewer than `min_history` interactions
    before the replay is no device, and all of that user's interactions train.

    `global_time`: the calibration and the replay cut are quantiles of all logged times. What lies
    before the calibration cut trains, of every user. A user's first `replay_steps` interactions
    from the replay cut on are replayed, and the last `calibration_steps` between the cuts (there
    may be fewer) calibrate. A device needs `min_history` interactions before the replay cut and
    `replay_steps` from it on.

    Raises:
        WorkloadError: no user is eligible, nothing calibrates, or the log has no times to cut.
    """
    match settings.split:
        case PerUserSplit():
            replay_start = log.lengths - settings.replay_steps
            train_stop = replay_start - settings.calibration_steps
            all_that_trains = log.lengths
        case GlobalTimeSplit() as cuts:
            train_stop, replay_start = _before_cuts(log, cuts)
            all_that_trains = train_stop
    device = _eligible(log, settings, replay_start)
    calibration_start = np.maximum(replay_start - settings.calibration_steps, train_stop)
    train_stop, calibration_start, replay_start = (
        np.where(device, position, all_that_trains)
        for position in (train_stop, calibration_start, replay_start)
    )
    if not (replay_start > calibration_start).any():
        raise WorkloadError(
            f"{log.name}: no device has an interaction between the two cuts, so nothing can stop "
            "training early; a larger calibration_fraction is needed",
            key="workload.split.calibration_fraction",
        )
    return Split(
        kind=settings.split.kind,
        replay_steps=settings.replay_steps,
        train_stop=train_stop,
        calibration_start=calibration_start,
        replay_start=replay_start,
        device_users=np.flatnonzero(device).astype(np.int64),
    )


def _before_cuts(
    log: InteractionLog, cuts: GlobalTimeSplit
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each user's interactions before the calibration and before the replay cut."""
    if log.times_s is None:
        raise WorkloadError(
            f"{log.name} has no logged times; global_time needs them, per_user does not",
            key="workload.split",
        )
    train_and_calibration = cuts.train_fraction + cuts.calibration_fraction
    calibration_cut_s, replay_cut_s = np.quantile(
        log.times_s, (cuts.train_fraction, train_and_calibration), method="higher"
    )
    return _before(log, log.times_s, calibration_cut_s), _before(log, log.times_s, replay_cut_s)


def _before(log: InteractionLog, times_s: NDArray[np.float64], cut_s: float) -> NDArray[np.int64]:
    """Return each user's number of interactions before `cut_s`: int64, shape [users]."""
    running = np.concatenate(([0], np.cumsum(times_s < cut_s)))
    return np.diff(running[log.offsets]).astype(np.int64)


def _eligible(
    log: InteractionLog, settings: WorkloadSettings, replay_start: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which users can be devices: bool, shape [users]."""
    short_history = replay_start < settings.min_history
    short_replay = log.lengths - replay_start < settings.replay_steps
    if not (short_history | short_replay).all():
        return ~(short_history | short_replay)
    nobody = f"{log.name}: none of {log.users} users can be a device: "
    lower = "; lower workload.min_history or workload.replay_steps"
    if isinstance(settings.split, PerUserSplit):
        need = settings.min_history + settings.replay_steps
        why = (
            f"each needs min_history + replay_steps = {settings.min_history} + "
            f"{settings.replay_steps} = {need} interactions and the longest log has "
            f"{log.lengths.max()}{lower}"
        )
    else:
        why = (
            f"{short_history.sum()} have fewer than min_history = {settings.min_history} "
            f"interactions before the replay cut, {short_replay.sum()} fewer than replay_steps = "
            f"{settings.replay_steps} from it on{lower}, or move the cuts"
        )
    raise WorkloadError(nobody + why, key="workload.min_history")
