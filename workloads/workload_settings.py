"""The typed settings of a workload: which log, how it is split, and who replays it when."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, FiniteFloat, field_validator, model_validator

from workloads.settings import Settings

PositiveSeconds = Annotated[FiniteFloat, Field(gt=0)]
Seconds = Annotated[FiniteFloat, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]


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
]


class LognormalThinkTime(Settings):
    """Think times drawn from a lognormal distribution, the same under every policy."""

    kind: Literal["lognormal"] = "lognormal"
    median_s: PositiveSeconds = 20.0
    """Median time from a list shown to the next decision, in seconds."""
    sigma: Annotated[FiniteFloat, Field(ge=0)] = 1.0
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
]


class SyntheticSettings(Settings):
    """The synthetic generator's parameters.

    The defaults give a log of the shape of MovieLens 100K (its figures in brackets): the most
    popular tenth of the items takes 39% (43%) of the interactions, the slope of log popularity
    over log rank is -0.63 (-0.62), the ten most popular unseen items contain the next one in 5%
    (9%) of cases and ten neighbours of the last five items do in 13% (16%). One figure is off: the
    most popular item reaches nearly every user (62%).
    """

    users: Annotated[int, Field(ge=1)] = 2000
    """Users in the log. More users give the models more to learn from."""
    items: Annotated[int, Field(ge=2)] = 3000
    """Items in the catalogue. More items make every list harder to get right."""
    categories: Annotated[int, Field(ge=1)] = 20
    """Categories that the items fall into. More categories make an interest narrower, so that
    knowing the category helps more."""
    interests_per_user: Annotated[int, Field(ge=1)] = 3
    """Categories that a user likes at one time. More interests make the next one less certain."""
    drift_rate: Share = 0.02
    """Probability, per interaction, that one of the user's interests is replaced by a new one. An
    interest lasts `interests_per_user / drift_rate` interactions on average; at 0 a user never
    changes and an old list stays as good as it was but for the items taken since."""
    zipf_exponent: Annotated[FiniteFloat, Field(ge=0)] = 1.0
    """Appeal of the item of rank r is proportional to r to the minus this exponent. 0 makes all
    items equally popular; a larger value strengthens the popularity baseline. The popularity that
    is logged is flatter, as nobody takes an item twice and tastes differ: a slope near 0.63, where
    web requests show 0.64 to 0.83 (Breslau et al., 1999, "Web caching and Zipf-like
    distributions")."""
    stickiness: Share = 0.6
    """Probability that the next interaction stays with the interest of the last one; otherwise one
    of the user's interests is drawn anew. A larger value makes the latest interaction tell more,
    and so lists age faster."""
    taste_strength: Annotated[FiniteFloat, Field(ge=0)] = 1.0
    """How much a user's taste tells items of one category apart: the standard deviation, over the
    items of a category, of the logarithm of the user's preference. At 0 popularity alone decides
    within a category; larger values reward personal models."""
    taste_dimensions: Annotated[int, Field(ge=1)] = 8
    """Dimensions of the latent space of tastes. More dimensions take more data to learn."""
    exploration: Share = 0.2
    """Probability that an interaction has nothing to do with the user's interests and follows
    appeal in the whole catalogue: the part of a log that no personal model predicts."""
    length_min: Annotated[int, Field(ge=1)] = 60
    """Interactions of the shortest user."""
    length_median: Annotated[int, Field(ge=1)] = 90
    """Interactions of the median user. More history lets the models know a user better."""
    length_max: Annotated[int, Field(ge=1)] = 300
    """Interactions of the longest user: a long tail is cut here."""
    session_length_mean: Annotated[FiniteFloat, Field(ge=1)] = 12.0
    """Mean interactions in one sitting (geometric). Times matter to `think_time: logged` and
    `split: global_time` only."""
    gap_median_s: PositiveSeconds = 30.0
    """Median seconds between two interactions of a sitting (lognormal)."""
    gap_sigma: Annotated[FiniteFloat, Field(ge=0)] = 1.0
    """Standard deviation of the logarithm of that gap."""
    pause_median_s: PositiveSeconds = 86_400.0
    """Median seconds between two sittings (lognormal)."""
    pause_sigma: Annotated[FiniteFloat, Field(ge=0)] = 1.0
    """Standard deviation of the logarithm of that pause."""
    arrival_spread_s: Seconds = 30 * 86_400.0
    """Users make their first interaction at a uniform time within this many seconds. A larger value
    leaves fewer users active on both sides of a date: fewer devices in a global-time split."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.length_min <= self.length_median <= self.length_max:
            raise ValueError("need length_min <= length_median <= length_max")
        if self.length_max > self.items:
            raise ValueError("length_max must not exceed items: no user takes an item twice")
        if self.categories > self.items:
            raise ValueError("categories must not exceed items: each category needs an item")
        if self.interests_per_user > self.categories:
            raise ValueError("interests_per_user must not exceed categories")
        return self


class WorkloadSettings(Settings):
    """Which interaction log is replayed, how it is split, and by how many devices at what pace."""

    dataset: Annotated[str, Field(min_length=1)] = "synthetic"
    """`synthetic`, the name of a data set (`ml-100k`, `ml-1m`, `amazon-beauty`, or any folder in
    LSC_DATA), or the path of a file or folder."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the synthetic data; other data sets do not depend on it."""
    split: SplitSettings = PerUserSplit()
    """`per_user`, `global_time`, or a mapping with the kind and its parameters."""
    devices: Annotated[int, Field(ge=1)] | Literal["all"] = "all"
    """Virtual devices, or `all`: one for each eligible user. More devices than users resample the
    users; each device keeps its own clock and think times."""
    history: Annotated[int, Field(ge=1)] = 50
    """Interactions before the replay window that the models are given as context."""
    replay_steps: Annotated[int, Field(ge=1)] = 20
    """Interactions that each device replays."""
    calibration_steps: Annotated[int, Field(ge=1)] = 10
    """Interactions before the replay window that stop training early and calibrate policies."""
    min_history: Annotated[int, Field(ge=2)] = 20
    """Interactions that a user needs before the replay window to be a device; users with fewer only
    train. More than `calibration_steps`."""
    think_time: ThinkTime = LognormalThinkTime()
    """Time between a list shown and the next decision."""
    start_spread_s: Seconds = 600.0
    """Devices start uniformly within this many seconds; 0 starts all at once, the hardest load."""
    synthetic: SyntheticSettings = SyntheticSettings()
    """Parameters of the generator, used where `dataset` is `synthetic`."""

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
