"""Training windows: what each batch reads and predicts."""

import numpy as np
from numpy.typing import NDArray

from models.histories import Pieces
from workloads.interaction_log import InteractionLog


def training_windows(log: InteractionLog, train_stop: NDArray[np.int64], positions: int) -> Pieces:
    """Cut every user's training interactions into windows of at most `positions` inputs.

    A window of n inputs predicts n items, each the one after an input; so a user with m training
    interactions has m - 1 inputs, and every one of them is in exactly one window. Windows are cut
    from the newest backwards: only a user's oldest window can be short.

    Args:
        log: the interactions.
        train_stop: int64, shape [users]: the first so many interactions of each user train.
        positions: longest context of the model.
    """
    inputs = np.maximum(train_stop - 1, 0)
    windows = -(-inputs // positions)
    user = np.repeat(np.arange(log.users), windows)
    newer = np.arange(len(user)) - np.repeat(np.cumsum(windows) - windows, windows)
    stop = inputs[user] - newer * positions
    start = np.maximum(stop - positions, 0)
    return Pieces(log.offsets[user] + start, stop - start)


def epoch_batches(
    length: NDArray[np.int64], batch_interactions: int, generator: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Deal the windows into batches of like length, in random order.

    Args:
        length: int64, shape [windows].
        batch_interactions: targets in a batch, about (a window is never cut).
        generator: draws which windows of equal length share a batch, and the order of batches.

    Returns:
        Index arrays that together hold every window once.
    """
    if not len(length):
        return []
    order = np.lexsort((generator.random(len(length)), length))
    before = np.cumsum(length[order]) - length[order]
    batch = before // batch_interactions
    batches = np.split(order, np.flatnonzero(np.diff(batch)) + 1)
    return [batches[i] for i in generator.permutation(len(batches))]
