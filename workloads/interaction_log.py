"""The immutable, columnar interaction log and its item catalogue."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Catalogue:
    """The items that can be recommended; item id i is position i of every field.

    Attributes:
        keys: the data set's own ids, one string per item.
        titles: readable titles (the key where the data set has none).
        attributes: names of the item's attributes (genres, categories), possibly empty.
    """

    keys: tuple[str, ...]
    titles: tuple[str, ...]
    attributes: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class InteractionLog:
    """Who took what, when: the interactions of user u are `items[offsets[u] : offsets[u + 1]]`.

    Within a user the interactions are in time order; equal times keep file order.

    Attributes:
        name: the data set's name.
        user_keys: the data set's own user ids, one string per user.
        offsets: int64, shape [users + 1].
        items: int32, shape [interactions]; ids are positions in the catalogue.
        times_s: float64, shape [interactions], seconds since the epoch; None where the data has
            none.
        catalogue: the items.
    """

    name: str
    user_keys: tuple[str, ...]
    offsets: NDArray[np.int64]
    items: NDArray[np.int32]
    times_s: NDArray[np.float64] | None
    catalogue: Catalogue

    def __post_init__(self) -> None:
        for column in (self.offsets, self.items, self.times_s):
            if column is not None:
                column.setflags(write=False)

    @classmethod
    def from_columns(
        cls,
        name: str,
        users: "pd.Series[str]",
        items: "pd.Series[str]",
        times_s: NDArray[np.float64] | None,
        titles: Mapping[str, str],
        attributes: Mapping[str, tuple[str, ...]],
    ) -> Self:
        """Order logged interactions by user and time and number the users and items.

        Users and items are numbered in the order of their keys: as numbers where all keys are whole
        numbers, else as text. Items that nobody took are not in the catalogue: there is nothing to
        learn of them. Interactions repeated in the log are kept.

        Args:
            name: the data set's name.
            users: text keys, one per interaction, in file order.
            items: text keys, one per interaction, in file order.
            times_s: float64, shape [interactions], seconds since the epoch; None keeps file order.
            titles: by item key; the key itself stands in for a missing or empty title.
            attributes: by item key; none where missing.
        """
        user_numbers, user_keys = _numbered(users)
        item_numbers, item_keys = _numbered(items)
        by_user = (user_numbers,) if times_s is None else (times_s, user_numbers)
        order = np.lexsort(by_user)  # stable: equal times keep file order
        return cls(
            name=name,
            user_keys=user_keys,
            offsets=np.concatenate(([0], np.cumsum(np.bincount(user_numbers)))).astype(np.int64),
            items=item_numbers[order].astype(np.int32),
            times_s=None if times_s is None else times_s[order].astype(np.float64),
            catalogue=Catalogue(
                keys=item_keys,
                titles=tuple(titles.get(key) or key for key in item_keys),
                attributes=tuple(attributes.get(key, ()) for key in item_keys),
            ),
        )

    @property
    def users(self) -> int:
        """Number of users."""
        return len(self.user_keys)

    @property
    def interactions(self) -> int:
        """Number of interactions."""
        return len(self.items)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Interactions of each user: int64, shape [users]."""
        return np.diff(self.offsets)

    def history(self, user: int) -> NDArray[np.int32]:
        """All items of one user in time order: int32, shape [length]."""
        return self.items[self.offsets[user] : self.offsets[user + 1]]

    def history_times_s(self, user: int) -> NDArray[np.float64] | None:
        """The times of `history(user)`, or None where the data has none."""
        if self.times_s is None:
            return None
        return self.times_s[self.offsets[user] : self.offsets[user + 1]]

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything in the log: the identity that caches are keyed by."""
        digest = hashlib.sha256()
        for text in (self.user_keys, self.catalogue.keys, self.catalogue.titles):
            digest.update(repr(text).encode())
        digest.update(repr(self.catalogue.attributes).encode())
        for column in (self.offsets, self.items, self.times_s):
            digest.update(b"-" if column is None else np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


def _numbered(keys: "pd.Series[str]") -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Number the distinct keys in their order: (int64 number of each row, the keys in order)."""
    codes, distinct = pd.factorize(keys)
    names = [str(key) for key in distinct]
    if all(key.isdecimal() for key in names):
        order = sorted(range(len(names)), key=lambda code: (int(names[code]), names[code]))
    else:
        order = sorted(range(len(names)), key=names.__getitem__)
    number = np.empty(len(names), np.int64)
    number[order] = np.arange(len(names))
    return number[codes], tuple(names[code] for code in order)
