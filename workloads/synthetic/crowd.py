"""The users of the synthetic log, all at once, as they take one item after another."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from workloads import draws
from workloads.synthetic.settings import SyntheticSettings
from workloads.synthetic.shelves import Shelves
from workloads.weighted_choice import weighted_choice


class Crowd:
    """All users at once, as they take one item after another."""

    def __init__(self, settings: SyntheticSettings, seed: int, shelves: Shelves) -> None:
        self._settings = settings
        self._seed = seed
        self._shelves = shelves
        users, slots = settings.users, settings.interests_per_user
        self._seen = np.zeros((users, settings.items), np.bool_)
        # Exponential races (Efraimidis and Spirakis, 2006): weighted draws without replacement.
        races = -np.log(draws.uniform_table(seed, "interest", users, settings.categories))
        races /= shelves.category_appeal
        self._interests = np.argsort(races, axis=1, kind="stable")[:, :slots]
        # Normalised exponentials are uniform on the simplex: no interest is favoured.
        self._liking = -np.log(draws.uniform_table(seed, "liking", users, slots))
        self._slot = self._draw_slot(draws.uniform(seed, "first slot", 0, users))
        self._preference = np.zeros((users, slots, shelves.members.shape[1]))
        everyone = np.arange(users)
        for slot in range(slots):
            self._renew(everyone, np.full(users, slot), f"first taste {slot}", 0)

    def take(self, step: int, active: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the items that the active users take at one step: int32, shape [active]."""
        if step > 0:
            self._drift(step)
            self._move_on(step)
        choice = self._uniform("item", step)[active]
        explores = self._uniform("explore", step)[active] < self._settings.exploration
        slot = self._slot[active]
        preference = self._preference[active, slot]
        preference[explores] = 0.0
        position, found = weighted_choice(preference, choice)
        item = self._shelves.members[self._interests[active, slot], position]
        anywhere = np.flatnonzero(~found)  # explorers, and users who took all of a category
        unseen = np.where(self._seen[active[anywhere]], 0.0, self._shelves.appeal)
        item[anywhere], _ = weighted_choice(unseen, choice[anywhere])
        self._seen[active, item] = True
        self._forget(active, item)
        return item.astype(np.int32)

    def _uniform(self, purpose: str, step: int) -> NDArray[np.float64]:
        return draws.uniform(self._seed, purpose, step, self._settings.users)

    def _draw_slot(self, choice: NDArray[np.float64]) -> NDArray[np.int64]:
        position, _ = weighted_choice(self._liking, choice)
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
        weights = np.tile(self._shelves.category_appeal, (len(drifts), 1))
        np.put_along_axis(weights, self._interests[drifts], 0.0, axis=1)
        choice = self._uniform("drift category", step)[drifts]
        category, found = weighted_choice(weights, choice)  # none where users like all there are
        self._interests[drifts, slot] = np.where(found, category, self._interests[drifts, slot])
        self._renew(drifts, slot, "drift taste", step)

    def _renew(
        self, users: NDArray[np.int64], slot: NDArray[np.int64], purpose: str, step: int
    ) -> None:
        """Give users a new taste in one interest each."""
        dimensions = self._settings.taste_dimensions
        taste = np.empty((len(users), dimensions))
        for dimension in range(dimensions):
            taste[:, dimension] = ndtri(self._uniform(f"{purpose} {dimension}", step)[users])
        taste /= np.linalg.norm(taste, axis=1, keepdims=True)
        category = self._interests[users, slot]
        members = self._shelves.members[category]
        likes = np.einsum("umd,ud->um", self._shelves.latent[members], taste)
        preference = self._shelves.member_appeal[category]
        preference = preference * np.exp(self._settings.taste_strength * likes)
        preference[self._seen[users[:, None], members]] = 0.0
        self._preference[users, slot] = preference

    def _forget(self, users: NDArray[np.int64], item: NDArray[np.int64]) -> None:
        """Take away the preference for items just taken, in whichever interest they are."""
        row, slot = np.nonzero(self._interests[users] == self._shelves.category[item][:, None])
        self._preference[users[row], slot, self._shelves.place[item[row]]] = 0.0
