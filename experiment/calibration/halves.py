"""The two halves of the replayed users, of which each calibrates policies for the other."""

import numpy as np
from numpy.typing import NDArray

from workloads import draws


def half_of_users(seed: int, users: int) -> NDArray[np.int64]:
    """Return which half each replayed user belongs to: int64 [users], 0 or 1, as many of both.

    Args:
        seed: of the models: what is fitted stays the same in replications of the simulation.
        users: how many; with an odd number the first half has one more.
    """
    return part_of_users(seed, users, 2)


def part_of_users(seed: int, users: int, parts: int) -> NDArray[np.int64]:
    """Return which of some parts each user belongs to: int64 [users], from 0, as many of each.

    Args:
        seed: as above.
        users: how many; the first parts have one more where that is no multiple of `parts`.
        parts: how many.
    """
    order = np.argsort(draws.uniform(seed, "calibration half", 0, users), kind="stable")
    part = np.zeros(users, np.int64)
    part[order] = np.arange(users) % parts
    return part
