"""An outcome table with signals that its models do not know."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sim.outcome_table import OutcomeTable


@dataclass(frozen=True)
class ExtendedTable:
    """A table whose further signals were computed from its others; it is an `OutcomeTable`.

    Attributes:
        table: the table; the attributes of that are copied, as simulations read them often.
        signals: of each further signal: float32, shape [users, cells].
        fresh_signals: likewise of new lists: float32, shape [users, T + 2].
    """

    table: OutcomeTable
    steps: int
    candidate_count: int
    cell_offset: NDArray[Any]
    consistency: NDArray[Any]
    fresh_consistency: NDArray[Any]
    rank: NDArray[Any]
    signals: Mapping[str, NDArray[np.float32]]
    fresh_signals: Mapping[str, NDArray[np.float32]]

    @classmethod
    def of(
        cls,
        table: OutcomeTable,
        signals: Mapping[str, NDArray[np.float32]],
        fresh_signals: Mapping[str, NDArray[np.float32]],
    ) -> Self:
        """Return a table with further signals."""
        return cls(
            table,
            table.steps,
            table.candidate_count,
            table.cell_offset,
            table.consistency,
            table.fresh_consistency,
            table.rank,
            signals,
            fresh_signals,
        )

    def signal(self, name: str) -> NDArray[np.float32]:
        """Return a signal of each cell: float32, shape [users, cells]."""
        return self.signals[name] if name in self.signals else self.table.signal(name)

    def fresh_signal(self, name: str) -> NDArray[np.float32]:
        """Return a signal of each new list: float32, shape [users, T + 2]."""
        known = name in self.fresh_signals
        return self.fresh_signals[name] if known else self.table.fresh_signal(name)
