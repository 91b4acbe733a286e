"""The synthetic log: users whose interests drift, among items of Zipf popularity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from workloads import draws, names
from workloads.interaction_log import Catalogue, InteractionLog
from workloads.progress import SILENT, Progress
from workloads.workload_settings import SyntheticSettings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EPOCH_S = 1_735_689_600.0
"""Logged times begin on 1 January 2025, 00:00 UTC."""

_CATEGORY_SIZE_EXPONENT = 0.5  # sizes of categories are uneven, as they are in shops


@dataclass(frozen=True)
class _Shelves:
    """The items as users see them: by category.

    Attributes:
        category: int64, shape [items].
        popularity: float64, shape [items], sums to 1.
        latent: float64, shape [items, dimensions]: standard normal traits.
        members: int64, shape [categories, most items in one]: padded with item 0.
        member_popularity: float64, as `members`; 0 for padding.
        place: int64, shape [items]: where the item stands among its category's members.
        category_popularity: float64, shape [categories].
    """

    category: Integers
    popularity: Floats
    latent: Floats
    members: Integers
    member_popularity: Floats
    place: Integers
    category_popularity: Floats


def generate(settings: SyntheticSettings, seed: int, progress: Progress = SILENT) -> InteractionLog:
    """Generate a log of users with drifting interests.

    A user has `interests_per_user` interests: a category each, liked with a weight of its own, and
    a taste within it. At every interaction one interest may drift: another category and taste take
    its place. The user stays with the interest of the last interaction (`stickiness`) or draws one
    by weight, and takes one of its items with probability proportional to popularity times
    exp(`taste_strength` * <taste, traits>), where the taste is a unit vector and the traits are
    standard normal. Some interactions follow popularity alone (`exploration`). Nobody takes an
    item twice. Every draw depends on the seed, the user and the number of the interaction alone.

    Args:
        settings: what to generate.
        seed: `workload.seed`.
        progress: told of the interactions generated.

    Returns:
        The log, with times in whole seconds that increase strictly within a user.
    """
    shelves = _shelves(settings, seed)
    lengths = _lengths(settings, seed)
    crowd = _Crowd(settings, seed, shelves)
    taken = np.zeros((settings.users, lengths.max()), np.int32)
    with progress.phase("generate interactions", float(lengths.sum())) as advance:
        for step in range(lengths.max()):
            active = np.flatnonzero(lengths > step)
            taken[active, step] = crowd.take(step, active)
            advance(len(active))
    made = np.arange(lengths.max()) < lengths[:, None]
    return InteractionLog(
        name="synthetic",
        user_keys=tuple(str(user + 1) for user in range(settings.users)),
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        items=taken[made],
        times_s=_times_s(settings, seed, lengths.max())[made],
        catalogue=_catalogue(settings, seed, shelves),
    )


class _Crowd:
    """All users at once, as they take one item after another."""

    def __init__(self, settings: SyntheticSettings, seed: int, shelves: _Shelves) -> None:
        self._settings = settings
        self._seed = seed
        self._shelves = shelves
        users, slots = settings.users, settings.interests_per_user
        self._seen = np.zeros((users, settings.items), np.bool_)
        # Exponential races (Efraimidis and Spirakis, 2006): weighted draws without replacement.
        races = -np.log(draws.uniform_table(seed, "interest", users, settings.categories))
        races /= shelves.category_popularity
        self._interests = np.argsort(races, axis=1, kind="stable")[:, :slots]
        # Normalised exponentials are uniform on the simplex: no interest is favoured.
        self._liking = -np.log(draws.uniform_table(seed, "liking", users, slots))
        self._slot = self._draw_slot(draws.uniform(seed, "first slot", 0, users))
        self._preference = np.zeros((users, slots, shelves.members.shape[1]))
        everyone = np.arange(users)
        for slot in range(slots):
            self._renew(everyone, np.full(users, slot), f"first taste {slot}", 0)

    def take(self, step: int, active: Integers) -> NDArray[np.int32]:
        """Return the items that the active users take at one step: int32, shape [active]."""
        if step > 0:
            self._drift(step)
            self._move_on(step)
        choice = self._uniform("item", step)[active]
        explores = self._uniform("explore", step)[active] < self._settings.exploration
        slot = self._slot[active]
        preference = self._preference[active, slot]
        preference[explores] = 0.0
        position, found = _weighted_choice(preference, choice)
        item = self._shelves.members[self._interests[active, slot], position]
        anywhere = np.flatnonzero(~found)  # explorers, and users who took all of a category
        unseen = np.where(self._seen[active[anywhere]], 0.0, self._shelves.popularity)
        item[anywhere], _ = _weighted_choice(unseen, choice[anywhere])
        self._seen[active, item] = True
        self._forget(active, item)
        return item.astype(np.int32)

    def _uniform(self, purpose: str, step: int) -> Floats:
        return draws.uniform(self._seed, purpose, step, self._settings.users)

    def _draw_slot(self, choice: Floats) -> Integers:
        position, _ = _weighted_choice(self._liking, choice)
        return position

    def _move_on(self, step: int) -> None:
        """Let each user stay with the last interest or draw one by weight."""
        leaves = self._uniform("stick", step) >= self._settings.stickiness
        drawn = self._draw_slot(self._uniform("slot", step))
        self._slot = np.where(leaves, drawn, self._slot)

    def _drift(self, step: int) -> None:
        """Replace one interest of each user who drifts at this step."""
        drifts = np.flatnonzero(self._uniform("drift", step) < self._settings.drift_rate)
        slots = self._settings.interests_per_user
        slot = (self._uniform("drift slot", step)[drifts] * slots).astype(np.int64)
        weights = np.tile(self._shelves.category_popularity, (len(drifts), 1))
        np.put_along_axis(weights, self._interests[drifts], 0.0, axis=1)
        choice = self._uniform("drift category", step)[drifts]
        category, found = _weighted_choice(weights, choice)  # none where users like all there are
        self._interests[drifts, slot] = np.where(found, category, self._interests[drifts, slot])
        self._renew(drifts, slot, "drift taste", step)

    def _renew(self, users: Integers, slot: Integers, purpose: str, step: int) -> None:
        """Give users a new taste in one interest each."""
        dimensions = self._settings.taste_dimensions
        taste = np.empty((len(users), dimensions))
        for dimension in range(dimensions):
            taste[:, dimension] = ndtri(self._uniform(f"{purpose} {dimension}", step)[users])
        taste /= np.linalg.norm(taste, axis=1, keepdims=True)
        category = self._interests[users, slot]
        members = self._shelves.members[category]
        likes = np.einsum("umd,ud->um", self._shelves.latent[members], taste)
        preference = self._shelves.member_popularity[category]
        preference = preference * np.exp(self._settings.taste_strength * likes)
        preference[self._seen[users[:, None], members]] = 0.0
        self._preference[users, slot] = preference

    def _forget(self, users: Integers, item: Integers) -> None:
        """Take away the preference for items just taken, in whichever interest they are."""
        row, slot = np.nonzero(self._interests[users] == self._shelves.category[item][:, None])
        self._preference[users[row], slot, self._shelves.place[item[row]]] = 0.0


def _weighted_choice(weights: Floats, choice: Floats) -> tuple[Integers, NDArray[np.bool_]]:
    """Choose a position in each row in proportion to its weight, by inversion of uniform draws.

    Args:
        weights: float64, shape [rows, positions].
        choice: uniform draws in (0, 1), shape [rows].

    Returns:
        The positions, int64, and whether the row has any weight (else the position is arbitrary).
    """
    running = np.cumsum(weights, axis=1)
    total = running[:, -1]
    # A draw so near 1 that rounding reaches the total must not run past the last weight.
    target = np.minimum(choice * total, np.nextafter(total, 0.0))
    return np.sum(running <= target[:, None], axis=1) % weights.shape[1], total > 0.0


def _shelves(settings: SyntheticSettings, seed: int) -> _Shelves:
    """Draw the items' categories, popularity and traits."""
    items, categories = settings.items, settings.categories
    share = np.arange(1, categories + 1.0) ** -_CATEGORY_SIZE_EXPONENT
    edges = np.cumsum(share) / share.sum()
    category = np.searchsorted(edges, draws.uniform(seed, "item category", 0, items))
    category = np.minimum(category, categories - 1)
    order = np.argsort(draws.uniform(seed, "item popularity", 0, items), kind="stable")
    category[order[:categories]] = np.arange(categories)  # no category is empty
    popularity = np.empty(items)
    popularity[order] = np.arange(1, items + 1.0) ** -settings.zipf_exponent
    popularity /= popularity.sum()
    sizes = np.bincount(category, minlength=categories)
    members = np.zeros((categories, sizes.max()), np.int64)
    padding = np.arange(sizes.max()) >= sizes[:, None]
    by_category = np.argsort(category, kind="stable")
    members[~padding] = by_category
    place = np.empty(items, np.int64)
    place[by_category] = np.nonzero(~padding)[1]
    return _Shelves(
        category=category,
        popularity=popularity,
        latent=draws.standard_normal_table(seed, "item traits", items, settings.taste_dimensions),
        members=members,
        member_popularity=np.where(padding, 0.0, popularity[members]),
        place=place,
        category_popularity=np.bincount(category, weights=popularity).astype(np.float64),
    )


def _lengths(settings: SyntheticSettings, seed: int) -> Integers:
    """Draw each user's number of interactions: the minimum plus a lognormal excess, cut above."""
    normal = ndtri(draws.uniform(seed, "length", 0, settings.users))
    excess = (settings.length_median - settings.length_min) * np.exp(normal)
    lengths: Integers = np.rint(settings.length_min + excess).astype(np.int64)
    return np.minimum(lengths, settings.length_max)


def _times_s(settings: SyntheticSettings, seed: int, steps: int) -> Floats:
    """Draw the times of all interactions: float64, shape [users, steps], whole seconds."""
    users = settings.users
    first_s = settings.arrival_spread_s * draws.uniform(seed, "arrival", 0, users)
    normal = draws.standard_normal_table(seed, "gap", users, steps - 1)
    pauses = draws.uniform_table(seed, "pause", users, steps - 1)
    gap_s = settings.gap_median_s * np.exp(settings.gap_sigma * normal)
    pause_s = settings.pause_median_s * np.exp(settings.pause_sigma * normal)
    between_s = np.where(pauses < 1 / settings.session_length_mean, pause_s, gap_s)
    times_s = np.empty((users, steps))
    times_s[:, 0] = EPOCH_S + np.ceil(first_s)
    times_s[:, 1:] = np.ceil(between_s)  # at least 1 s, so that times increase strictly
    return np.cumsum(times_s, axis=1)


def _catalogue(settings: SyntheticSettings, seed: int, shelves: _Shelves) -> Catalogue:
    """Name the items and their categories."""
    category_names = names.categories(settings.categories)
    return Catalogue(
        keys=tuple(str(item + 1) for item in range(settings.items)),
        titles=names.titles(seed, settings.items),
        attributes=tuple((category_names[category],) for category in shelves.category),
    )
