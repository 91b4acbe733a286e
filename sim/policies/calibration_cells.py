"""What users who calibrate policies could have held, and what a fresh list would have brought."""

from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sim.outcome_table import OutcomeTable
from sim.policies.ndcg import ndcg_by_rank
from sim.policies.policy import PolicyView

HORIZON_STEPS = 5
"""A fresh list serves several steps, and the mean of them is less noisy than the next one alone."""


class CalibrationCells(NamedTuple):
    """Every list that calibrating users could hold, at each step at which it is a step old or more.

    Attributes:
        view: all these cells one after the other, as if they were the steps of one device; it has
            no times and no draws.
        gain: float64; what a fresh list would bring: the mean NDCG@10 of the next (up to 5) steps
            with the list of this step, less that with the held one.
    """

    view: PolicyView
    gain: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        table: OutcomeTable,
        users: NDArray[np.int64],
        first_list_age_steps: int | None,
        signals: Iterable[str],
    ) -> Self:
        """Return the cells of some users.

        A popularity list has no age that could be weighed, so its cells are left out.

        Args:
            table: the outcome table.
            users: int64: positions of the users.
            first_list_age_steps: age of the preloaded list at step 0; None where devices begin with
                a popularity list.
            signals: the signals that are asked for.
        """
        last = table.steps - 1
        rows = [(row, row) for row in range(last)]
        if first_list_age_steps is not None:
            rows.insert(0, (table.steps, -first_list_age_steps))
        pairs = [(r, t, t - made) for r, made in rows for t in range(max(made + 1, 0), last)]
        row, step, age = np.array(pairs, np.int64).reshape(-1, 3).T
        cell = table.cell_offset[row] + step
        flat = users[:, None], cell
        view = PolicyView(
            first_step=0,
            list_age_steps=np.tile(age, len(users)),
            list_age_s=np.full(len(users) * len(age), np.nan),
            decision_s=np.full(len(users) * len(age), np.nan),
            signals={name: table.signal(name)[flat].ravel() for name in signals},
            fresh_signals={
                name: table.fresh_signal(name)[users[:, None], row].ravel() for name in signals
            },
            candidate_count=table.candidate_count,
        )
        return cls(view, _gain(table, users, row, step).ravel())


def _gain(
    table: OutcomeTable, users: NDArray[np.int64], row: NDArray[np.int64], step: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the mean gain of the list of each step over the coming ones: [users, cells]."""
    ndcg = ndcg_by_rank(table.candidate_count)
    total, count = np.zeros((len(users), len(row))), np.zeros(len(row))
    for ahead in range(1, HORIZON_STEPS + 1):
        there = step + ahead < table.steps
        at = step[there] + ahead
        fresh = table.rank[users[:, None], table.cell_offset[step[there]] + at]
        held = table.rank[users[:, None], table.cell_offset[row[there]] + at]
        total[:, there] += ndcg[fresh] - ndcg[held]
        count += there
    return total / count
