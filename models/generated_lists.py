"""The lists that an LLM generates for one group of users, from every basis that is needed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.prefixes import Ints


@dataclass(frozen=True)
class GeneratedLists:
    """Lists of one group of users.

    Attributes:
        bases: int64, shape [bases], ascending.
        item: int32, shape [U, bases, N], best first; 0 where the basis has no interaction inside
            the context.
        score: float32, shape [U, bases, N].
        invalid: int32, shape [U, bases]: candidates of each list that were no items.
    """

    bases: Ints
    item: NDArray[np.int32]
    score: NDArray[np.float32]
    invalid: NDArray[np.int32]

    def at(self, basis: int) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
        """Return (items [U, N], scores [U, N], invalid [U]) of the lists of one basis."""
        column = int(np.searchsorted(self.bases, basis))
        return self.item[:, column], self.score[:, column], self.invalid[:, column]
