"""The typed settings of a workload: which log, how it is split, and who replays it when."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from workloads.quantities import Fraction, PositiveInteger, PositiveSeconds, Seconds, Share
from workloads.registry import KindsInSchema
from workloads.settings import Settings
from workloads.synthetic.settings import SyntheticSettings


def _kind_of_bare_name(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


class PerUserSplit(Settings):
    """Each user's last interactions are replayed; what lies before calibrates and trains."""

    kind: Literal["per_user"] = "per_user"


class GlobalTimeSplit(Settings):
    """One date ends training for everybody and another starts every replay; needs logged times."""

    kind: Literal["global_time"] = "global_time"
    train_fraction: Fraction = 0.8
    """Share of all interactions that lies before the calibration cut and trains."""
    calibration_fraction: Fraction = 0.1
    """Share of all interactions between the calibration cut and the replay cut."""

    @model_validator(mode="after")
    def _leave_something_to_replay(self) -> Self:
        if self.train_fraction + self.calibration_fraction >= 1:
            raise ValueError(
                "train_fraction + calibration_fraction must be below 1: the rest is replayed"
            )
        return self


SplitSettings = Annotated[
    PerUserSplit | GlobalTimeSplit,
    Field(discriminator="kind"),
    BeforeValidator(_kind_of_bare_name),
    KindsInSchema(bare_names=True),
]


class LognormalThinkTime(Settings):
    """Think times drawn from a lognormal distribution, the same under every policy."""

    kind: Literal["lognormal"] = "lognormal"
    median_s: PositiveSeconds = 20.0
    """Median time from a list shown to the next decision, in seconds."""
    sigma: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Standard deviation of the logarithm of the time; 0 makes every think time the median."""
    cap_s: PositiveSeconds = 600.0
    """Longer draws are cut to this many seconds: nobody replays an absence of a day."""

    @model_validator(mode="after")
    def _cap_above_median(self) -> Self:
        if self.cap_s < self.median_s:
            raise ValueError("cap_s must be at least median_s")
        return self


class LoggedThinkTime(Settings):
    """Think times as logged: the time between a user's interactions, clipped."""

    kind: Literal["logged"] = "logged"
    floor_s: Seconds = 1.0
    """Shorter gaps count as this many seconds (half of MovieLens's gaps are 0 s)."""
    cap_s: PositiveSeconds = 600.0
    """Longer gaps count as this many seconds."""

    @model_validator(mode="after")
    def _cap_above_floor(self) -> Self:
        if self.cap_s < self.floor_s:
            raise ValueError("cap_s must be at least floor_s")
        return self


def _lognormal_by_default(value: Any) -> Any:
    value = _kind_of_bare_name(value)
    if isinstance(value, dict) and "kind" not in value:
        return {"kind": "lognormal", **value}
    return value


ThinkTime = Annotated[
    LognormalThinkTime | LoggedThinkTime,
    Field(discriminator="kind"),
    BeforeValidator(_lognormal_by_default),
    KindsInSchema("lognormal", bare_names=True),
]


class SpreadStart(Settings):
    """Devices start uniformly over a while."""

    kind: Literal["spread"] = "spread"
    spread_s: Seconds = 600.0
    """How long; 0 starts all at once, the hardest load."""


class BurstStart(Settings):
    """Many devices start at one time of the clock, as far as their clocks agree."""

    kind: Literal["burst"] = "burst"
    at_s: Seconds
    """When, in simulated time."""
    share: Share = 1.0
    """Part of the devices that start then: each with this probability."""
    clock_skew_s: Seconds = 0.0
    """Standard deviation of a device's clock, normally distributed. A start that would lie before
    the beginning of the simulation is at its beginning."""
    spread_s: Seconds = 600.0
    """The other devices start uniformly within this many seconds."""


Start = Annotated[
    SpreadStart | BurstStart,
    Field(discriminator="kind"),
    BeforeValidator(_kind_of_bare_name),
    KindsInSchema(bare_names=True),
]


class WorkloadSettings(Settings):
    """Which interaction log is replayed, how it is split, and by how many devices at what pace."""

    dataset: Annotated[str, Field(min_length=1)] = "synthetic"
    """`synthetic`, the name of a data set (`ml-100k`, `ml-1m`, `amazon-beauty`, or any folder in
    LSC_DATA), or the path of a file or folder."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the synthetic data; other data sets do not depend on it."""
    split: SplitSettings = PerUserSplit()
    """`per_user`, `global_time`, or a mapping with the kind and its parameters."""
    devices: PositiveInteger | Literal["all"] = "all"
    """Virtual devices, or `all`: one for each eligible user. More devices than users resample the
    users; each device keeps its own clock and think times."""
    history: PositiveInteger = 50
    """Interactions before the replay window that the models are given as context."""
    replay_steps: PositiveInteger = 20
    """Interactions that each device replays."""
    calibration_steps: PositiveInteger = 10
    """Interactions before the replay window that stop training early and calibrate policies."""
    min_history: Annotated[int, Field(ge=2)] = 20
    """Interactions that a user needs before the replay window to be a device; users with fewer only
    train. More than `calibration_steps`."""
    think_time: ThinkTime = LognormalThinkTime()
    """Time between a list shown and the next decision."""
    start: Start | None = None
    """When devices start: `spread`, `burst`, or a mapping with the kind and its parameters."""
    start_spread_s: Seconds = 600.0
    """Instead of `start`: devices start uniformly within this many seconds."""
    synthetic: SyntheticSettings = SyntheticSettings()
    """Parameters of the generator, used where `dataset` is `synthetic`."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("start", "start_spread_s"),)

    @property
    def starts(self) -> SpreadStart | BurstStart:
        """When devices start, whichever way it was given."""
        return self.start or SpreadStart(spread_s=self.start_spread_s)

    @field_validator("devices", mode="before")
    @classmethod
    def _whole_number_or_all(cls, value: Any) -> Any:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value != "all" and not (whole and value >= 1):
            raise ValueError("must be a whole number of at least 1, or 'all'")
        return value

    @model_validator(mode="after")
    def _history_beyond_calibration(self) -> Self:
        if self.min_history <= self.calibration_steps:
            raise ValueError(
                f"min_history ({self.min_history}) must be above calibration_steps "
                f"({self.calibration_steps}): a device needs something to train on before"
            )
        return self
