"""The popularity list: what a device shows before it has ever heard from the cloud."""

import numpy as np
from numpy.typing import NDArray

from models.histories import seen_pairs
from workloads.interaction_log import InteractionLog
from workloads.splits import Split


def popularity_order(log: InteractionLog, split: Split) -> NDArray[np.int64]:
    """Return all items by their count in the training part, ties by lower id: int64 [items]."""
    _, item = seen_pairs(log, np.arange(log.users), split.train_stop)
    count = np.bincount(item, minlength=len(log.catalogue))
    return np.lexsort((np.arange(len(count)), -count)).astype(np.int64)


def most_popular_unseen(
    order: NDArray[np.int64],
    seen_row: NDArray[np.int64],
    seen_item: NDArray[np.int64],
    rows: int,
    count: int,
) -> NDArray[np.int32]:
    """Return each row's `count` most popular items that the row has not seen.

    Args:
        order: int64, shape [items], most popular first.
        seen_row: int64: row of each seen item.
        seen_item: int64: the items.
        rows: number of rows.
        count: at most the items that every row has not seen.

    Returns:
        int32, shape [rows, count], most popular first.
    """
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    most_seen = int(np.bincount(seen_row, minlength=1).max())
    unseen = np.ones((rows, min(len(order), count + most_seen)), np.bool_)
    near = place[seen_item] < unseen.shape[1]
    unseen[seen_row[near], place[seen_item[near]]] = False
    taken = unseen & (np.cumsum(unseen, axis=1) <= count)
    return order[np.nonzero(taken)[1]].reshape(rows, count).astype(np.int32)
