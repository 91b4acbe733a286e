"""Pieces of users' histories as padded model inputs, and the items that users have seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workloads.interaction_log import InteractionLog


@dataclass(frozen=True)
class Pieces:
    """Contiguous pieces of a log's item column.

    Attributes:
        start: int64, shape [pieces]: positions in the log's item column.
        length: int64, shape [pieces].
    """

    start: NDArray[np.int64]
    length: NDArray[np.int64]

    def padded(self, log: InteractionLog, pieces: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return some pieces' items, padded on the right with the number of items: int64 [B, L]."""
        start, length = self.start[pieces, None], self.length[pieces, None]
        position = np.arange(length.max(initial=1))
        last = len(log.items) - 1
        items = log.items[np.minimum(start + position, last)].astype(np.int64)
        return np.where(position < length, items, len(log.catalogue))


def seen_pairs(
    log: InteractionLog, user: NDArray[np.int64], stop: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (row, item) for each of the first `stop[row]` interactions of `user[row]`.

    Args:
        log: the interactions.
        user: int64, shape [R].
        stop: int64, shape [R]: interactions from the start of the user's whole log.

    Returns:
        Two int64 arrays of the same length, `stop.sum()`.
    """
    row = np.repeat(np.arange(len(user)), stop)
    within = np.arange(len(row)) - np.repeat(np.cumsum(stop) - stop, stop)
    return row, log.items[log.offsets[user][row] + within].astype(np.int64)


def length_groups(length: NDArray[np.int64], batch_positions: int) -> list[NDArray[np.int64]]:
    """Group pieces of like length so that a padded batch has about `batch_positions` positions.

    Returns:
        Index arrays that together hold every piece once, shortest pieces first; equal lengths keep
        their order, so the groups are a pure function of the lengths.
    """
    order = np.argsort(length, kind="stable")
    groups: list[NDArray[np.int64]] = []
    first = 0
    while first < len(order):
        most = np.arange(1, len(order) - first + 1) * length[order[first:]]
        size = max(1, int(np.searchsorted(most, batch_positions, side="right")))
        groups.append(order[first : first + size])
        first += size
    return groups
