"""What the simulation reads of the models: the outcome table, as a protocol."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

SIGNALS = (
    "footrule",
    "kendall",
    "rank_biased_overlap",
    "top_overlap",
    "entropy",
    "margin",
    "self_consistency",
    "taken_share",
    "invalid_candidates",
)
"""Names of what a device can know of the list that it holds."""


class OutcomeTable(Protocol):
    """For every replayed user, list and step: what the models would show, and how much they agree.

    Replayed user u is position u of the split's `device_users`. Lists are numbered by row: row
    s < `steps` is the list generated at step s from the history H_s; row `steps` is the preloaded
    list; row `steps + 1` is the popularity list. The cell of row r at step t (t >= s) is
    `cell_offset[r] + t`, so the coming cells of one list are contiguous. A signal (one of
    `SIGNALS`) is a number that a device can know of the list that it holds.

    Attributes:
        steps: T, interactions in a replay window.
        candidate_count: items in a fresh list.
        cell_offset: int64, shape [T + 2].
        consistency: float32, shape [users, cells], in [0, 1]: the signal `footrule`.
        fresh_consistency: float32, shape [users, T + 2]: the list's consistency at its generation.
        rank: unsigned, shape [users, cells]: 1-based rank of the true next item in the list as
            fused for display (in row T + 1: in popularity order); 0 is a miss.
    """

    @property
    def steps(self) -> int:
        """Interactions in a replay window."""
        ...

    @property
    def candidate_count(self) -> int:
        """Items in a fresh list."""
        ...

    @property
    def cell_offset(self) -> NDArray[Any]:
        """Where each list's cells begin."""
        ...

    @property
    def consistency(self) -> NDArray[Any]:
        """Consistency of each cell."""
        ...

    @property
    def fresh_consistency(self) -> NDArray[Any]:
        """Consistency of each list when it was generated."""
        ...

    @property
    def rank(self) -> NDArray[Any]:
        """Rank of the next item of each cell."""
        ...

    def signal(self, name: str) -> NDArray[np.float32]:
        """Return a signal of each cell: float32, shape [users, cells].

        Args:
            name: one of `SIGNALS`.

        Raises:
            KeyError: there is no such signal.
        """
        ...

    def fresh_signal(self, name: str) -> NDArray[np.float32]:
        """Return a signal of each list when it was generated: float32, shape [users, T + 2].

        Args:
            name: one of `SIGNALS`.

        Raises:
            KeyError: there is no such signal.
        """
        ...
