"""The immutable, columnar interaction log and its item catalogue."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
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
        times_s: float64, shape [interactions], seconds since the epoch; None where the data has none.
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
