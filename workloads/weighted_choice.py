"""Choose positions in proportion to their weights, many rows at once."""

import math

import numpy as np
from numpy.typing import NDArray


def weighted_choice(
    weights: NDArray[np.float64], choice: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Choose a position in each row in proportion to its weight, by inversion of uniform draws.

    Args:
        weights: float64, shape [rows, positions].
        choice: uniform draws in (0, 1), shape [rows].

    Returns:
        The positions, int64, and whether the row has any weight (else the position is arbitrary).
    """
    rows, positions = weights.shape
    width = math.isqrt(positions)
    starts = np.arange(0, positions, width)
    # Blocks first, then positions: running sums over whole rows would take several times as long.
    block, rest = _first_beyond(np.add.reduceat(weights, starts, axis=1), choice)
    within = starts[block][:, None] + np.arange(width)
    inside = within < positions
    candidates = weights[np.arange(rows)[:, None], np.where(inside, within, 0)] * inside
    place, _ = _first_beyond(candidates, rest)
    return starts[block] + place, rest >= 0.0


def _first_beyond(
    weights: NDArray[np.float64], share: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where each row's running sum first exceeds a share of its total.

    Args:
        weights: float64, shape [rows, positions].
        share: in [0, 1), shape [rows].

    Returns:
        The positions, int64, always of a positive weight, and the share of that position's weight
        at which the target lies; position 0 and share -1 where a row has no weight.
    """
    running = np.cumsum(weights, axis=1)
    total = running[:, -1]
    # A target that rounding moves to the total must not run past the last weight.
    target = np.minimum(share * total, np.nextafter(total, 0.0))
    position = np.sum(running <= target[:, None], axis=1) % weights.shape[1]
    row = np.arange(len(weights))
    weight = weights[row, position]
    before = running[row, position] - weight
    rest = np.clip((target - before) / np.where(weight > 0.0, weight, 1.0), 0.0, 1.0)
    return position, np.where(total > 0.0, rest, -1.0)
