"""How much of a list its user has taken since."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def taken_share(taken: NDArray[Any], age_steps: NDArray[Any]) -> NDArray[np.float32]:
    """Return the items of a list taken since its basis, / steps since; 0 at age 0.

    It needs no scores: where a list is good, and still fits, its items are taken.

    Args:
        taken: int: how many of the list's items the user has taken since its basis.
        age_steps: int, of the same shape: interactions since then.

    Returns:
        float32, of the same shape, in [0, 1].
    """
    return np.asarray(taken / np.maximum(age_steps, 1), np.float32)
