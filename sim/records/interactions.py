"""Every interaction of the fleet, in columns."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sim.outcome_table import OutcomeTable

_DEVICES_PER_BLOCK = 4096


class RankedBy(IntEnum):
    """Who ordered a list that was shown."""

    FUSION = 0
    """The LLM and the SRM together (popularity alone, where that made the list)."""
    LLM = 1
    """The list's own order: the device could not afford to score it."""


@dataclass(frozen=True)
class InteractionRecords:
    """Every interaction of the fleet; all arrays have the shape [devices, steps].

    Steps after a user left for good never happened; there the other columns hold 0.

    Attributes:
        happened: bool; the user was still there.
        decision_s: float64; when the device decided.
        shown_s: float64; when the list was shown.
        held_row: int16; row in the outcome table of the list held at the decision.
        shown_row: int16; row of the list shown.
        requested: bool; the policy was consulted, asked, and a request was sent.
        suppressed: bool; a request was outstanding, so the policy was not consulted.
        held_back: bool; the policy was consulted and asked, but the circuit breaker was open.
        version: int16; of the SRM's parameters in force at the decision; 0 is what was shipped.
        ranked_by: int8; a `RankedBy`; who ordered what was shown.
        battery_share: float32; the charge at the decision, as a share of a full battery; shape
            [devices, 0] where there are no batteries.
    """

    happened: NDArray[np.bool_]
    decision_s: NDArray[np.float64]
    shown_s: NDArray[np.float64]
    held_row: NDArray[np.int16]
    shown_row: NDArray[np.int16]
    requested: NDArray[np.bool_]
    suppressed: NDArray[np.bool_]
    held_back: NDArray[np.bool_]
    version: NDArray[np.int16]
    ranked_by: NDArray[np.int8]
    battery_share: NDArray[np.float32]

    @classmethod
    def empty(
        cls, lived_steps: NDArray[np.int64], steps: int, *, batteries: bool = False
    ) -> "InteractionRecords":
        """Make columns for devices that live through so many of `steps` steps each."""
        shape = devices, _ = (len(lived_steps), steps)
        return cls(
            happened=np.arange(steps) < lived_steps[:, None],
            decision_s=np.zeros(shape),
            shown_s=np.zeros(shape),
            held_row=np.zeros(shape, dtype=np.int16),
            shown_row=np.zeros(shape, dtype=np.int16),
            requested=np.zeros(shape, dtype=bool),
            suppressed=np.zeros(shape, dtype=bool),
            held_back=np.zeros(shape, dtype=bool),
            version=np.zeros(shape, dtype=np.int16),
            ranked_by=np.zeros(shape, dtype=np.int8),
            battery_share=np.zeros((devices, steps if batteries else 0), np.float32),
        )

    def of_devices(self, first: int, end: int) -> "InteractionRecords":
        """Return the interactions of the devices first .. end - 1: views that copy nothing."""
        return InteractionRecords(**{name: each[first:end] for name, each in vars(self).items()})

    @property
    def interactions(self) -> int:
        """How many steps happened."""
        return int(np.count_nonzero(self.happened))

    @property
    def last_decision_s(self) -> NDArray[np.float64]:
        """When each device decided for the last time: float64, shape [devices]."""
        return self._at_last_step(self.decision_s)

    @property
    def last_shown_s(self) -> NDArray[np.float64]:
        """When each device showed its last list: float64, shape [devices]."""
        return self._at_last_step(self.shown_s)

    def _at_last_step(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        last_step = np.count_nonzero(self.happened, axis=1) - 1
        at_last_step: NDArray[np.float64] = column[np.arange(len(column)), last_step]
        return at_last_step

    @property
    def scorings(self) -> NDArray[np.int64]:
        """How often each device scored a list: int64, shape [devices].

        Once at every step that it re-ranked, and once more where it had waited for the list.
        """
        scored = self.happened & (self.ranked_by == RankedBy.FUSION)
        rescored = scored & (self.shown_row != self.held_row)
        scorings: NDArray[np.int64] = scored.sum(axis=1) + rescored.sum(axis=1)
        return scorings

    @property
    def horizon_s(self) -> float:
        """End of the simulation: the last list of the last session is shown."""
        return float(self.last_shown_s.max())

    def rank(self, table: OutcomeTable, user: NDArray[np.int64]) -> NDArray[np.integer]:
        """Return the next item's rank in what was shown (0: a miss): shape [devices, steps]."""
        return _cells(table.rank, table, user, self.shown_row)

    def consistency(self, table: OutcomeTable, user: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the held list's consistency at each decision: shape [devices, steps]."""
        return _cells(table.consistency, table, user, self.held_row)


def _cells(
    column: NDArray[np.generic],
    table: OutcomeTable,
    user: NDArray[np.int64],
    row: NDArray[np.int16],
) -> NDArray:  # type: ignore[type-arg]
    # In blocks: the positions of all cells would take many times the memory of what is in them.
    cells = np.empty(row.shape, column.dtype)
    for first in range(0, len(row), _DEVICES_PER_BLOCK):
        block = slice(first, first + _DEVICES_PER_BLOCK)
        cell = table.cell_offset[row[block]] + np.arange(table.steps)
        cells[block] = column[user[block, None], cell]
    return cells
