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
    order = np.argsort(draws.uniform(seed, "calibration half", 0, users), kind="stable")
    half = np.zeros(users, np.int64)
    half[order[1::2]] = 1
    return half
