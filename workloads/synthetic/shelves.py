"""The items of the synthetic log, by category: how appealing each is, and its traits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads import draws
from workloads.interaction_log import Catalogue
from workloads.synthetic import names
from workloads.synthetic.settings import SyntheticSettings

_CATEGORY_SIZE_EXPONENT = 0.5  # sizes of categories are uneven, as they are in shops


@dataclass(frozen=True)
class Shelves:
    """The items as users see them: by category.

    Attributes:
        category: int64, shape [items].
        appeal: float64, shape [items], sums to 1.
        latent: float64, shape [items, dimensions]: standard normal traits.
        members: int64, shape [categories, most items in one]: padded with item 0.
        member_appeal: float64, as `members`; 0 for padding.
        place: int64, shape [items]: where the item stands among its category's members.
        category_appeal: float64, shape [categories].
    """

    category: NDArray[np.int64]
    appeal: NDArray[np.float64]
    latent: NDArray[np.float64]
    members: NDArray[np.int64]
    member_appeal: NDArray[np.float64]
    place: NDArray[np.int64]
    category_appeal: NDArray[np.float64]


def shelves(settings: SyntheticSettings, seed: int) -> Shelves:
    """Draw the items' categories, appeal and traits."""
    items, categories = settings.items, settings.categories
    share = np.arange(1, categories + 1.0) ** -_CATEGORY_SIZE_EXPONENT
    edges = np.cumsum(share) / share.sum()
    category = np.searchsorted(edges, draws.uniform(seed, "item category", 0, items))
    category = np.minimum(category, categories - 1)
    order = np.argsort(draws.uniform(seed, "item appeal", 0, items), kind="stable")
    category[order[:categories]] = np.arange(categories)  # no category is empty
    appeal = np.empty(items)
    appeal[order] = np.arange(1, items + 1.0) ** -settings.zipf_exponent
    appeal /= appeal.sum()
    sizes = np.bincount(category, minlength=categories)
    members = np.zeros((categories, sizes.max()), np.int64)
    padding = np.arange(sizes.max()) >= sizes[:, None]
    by_category = np.argsort(category, kind="stable")
    members[~padding] = by_category
    place = np.empty(items, np.int64)
    place[by_category] = np.nonzero(~padding)[1]
    return Shelves(
        category=category,
        appeal=appeal,
        latent=draws.standard_normal_table(seed, "item traits", items, settings.taste_dimensions),
        members=members,
        member_appeal=np.where(padding, 0.0, appeal[members]),
        place=place,
        category_appeal=np.bincount(category, weights=appeal).astype(np.float64),
    )


def catalogue(settings: SyntheticSettings, seed: int, made: Shelves) -> Catalogue:
    """Name the items and their categories."""
    category_names = names.categories(settings.categories)
    return Catalogue(
        keys=tuple(str(item + 1) for item in range(settings.items)),
        titles=names.titles(seed, settings.items),
        attributes=tuple((category_names[category],) for category in made.category),
    )
