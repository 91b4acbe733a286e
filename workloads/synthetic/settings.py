"""The parameters of the synthetic log."""

from typing import Annotated, Self

from pydantic import Field, FiniteFloat, model_validator

from workloads.quantities import PositiveInteger, PositiveSeconds, Seconds, Share
from workloads.settings import Settings


class SyntheticSettings(Settings):
    """The synthetic generator's parameters.

    The defaults give a log of the shape of MovieLens 100K (its figures in brackets): the most
    popular tenth of the items takes 39% (43%) of the interactions, the slope of log popularity
    over log rank is -0.63 (-0.62), the ten most popular unseen items contain the next one in 5%
    (9%) of cases and ten neighbours of the last five items do in 13% (16%). One figure is off: the
    most popular item reaches nearly every user (62%).
    """

    users: PositiveInteger = 2000
    """Users in the log. More users give the models more to learn from."""
    items: Annotated[int, Field(ge=2)] = 3000
    """Items in the catalogue. More items make every list harder to get right."""
    categories: PositiveInteger = 20
    """Categories that the items fall into. More categories make an interest narrower, so that
    knowing the category helps more."""
    interests_per_user: PositiveInteger = 3
    """Categories that a user likes at one time. More interests make the next one less certain."""
    drift_rate: Share = 0.02
    """Probability, per interaction, that one of the user's interests is replaced by a new one. An
    interest lasts `interests_per_user / drift_rate` interactions on average; at 0 a user never
    changes and an old list stays as good as it was but for the items taken since."""
    zipf_exponent: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Appeal of the item of rank r is proportional to r to the minus this exponent. 0 makes all
    items equally popular; a larger value strengthens the popularity baseline. The popularity that
    is logged is flatter, as nobody takes an item twice and tastes differ: a slope near 0.63, where
    web requests show 0.64 to 0.83 (Breslau et al., 1999, "Web caching and Zipf-like
    distributions")."""
    stickiness: Share = 0.6
    """Probability that the next interaction stays with the interest of the last one; otherwise one
    of the user's interests is drawn anew. A larger value makes the latest interaction tell more,
    and so lists age faster."""
    taste_strength: Annotated[float, Field(ge=0, le=20)] = 1.0
    """How much a user's taste tells items of one category apart: the standard deviation, over the
    items of a category, of the logarithm of the user's preference. At 0 appeal alone decides
    within a category; larger values reward personal models."""
    taste_dimensions: PositiveInteger = 8
    """Dimensions of the latent space of tastes. More dimensions take more data to learn."""
    exploration: Share = 0.2
    """Probability that an interaction has nothing to do with the user's interests and follows
    appeal in the whole catalogue: the part of a log that no personal model predicts."""
    length_min: PositiveInteger = 60
    """Interactions of the shortest user."""
    length_median: PositiveInteger = 90
    """Interactions of the median user. More history lets the models know a user better."""
    length_max: PositiveInteger = 300
    """Interactions of the longest user: a long tail is cut here."""
    session_length_mean: Annotated[FiniteFloat, Field(ge=1)] = 12.0
    """Mean interactions in one sitting (geometric). Times matter to `think_time: logged` and
    `split: global_time` only."""
    gap_median_s: PositiveSeconds = 30.0
    """Median seconds between two interactions of a sitting (lognormal)."""
    gap_sigma: Annotated[float, Field(ge=0, le=3)] = 1.0
    """Standard deviation of the logarithm of that gap."""
    pause_median_s: PositiveSeconds = 86_400.0
    """Median seconds between two sittings (lognormal)."""
    pause_sigma: Annotated[float, Field(ge=0, le=3)] = 1.0
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
