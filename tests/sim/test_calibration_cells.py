"""What calibrating users could have held, cell by cell, as its definition says it."""

import numpy as np
import pytest
from random_world import RandomTable

from sim.policies.calibration_cells import CalibrationCells

STEPS = 8


def ndcg(table, user, row, step):
    rank = int(table.rank[user, table.cell_offset[row] + step])
    return 1 / np.log2(1 + rank) if 1 <= rank <= 10 else 0.0


def plain_cells(table, users, first_list_age_steps):
    """Return (age, signal, fresh signal, gain) of each list at each step but its own."""
    made = {row: row for row in range(STEPS)}
    if first_list_age_steps is not None:
        made[STEPS] = -first_list_age_steps
    cells = []
    for user in users:
        for row, basis in made.items():
            for step in range(STEPS - 1):  # after the last one there is nothing to gain
                if step <= basis:
                    continue
                ahead = range(step + 1, min(step + 6, STEPS))
                gains = [ndcg(table, user, step, at) - ndcg(table, user, row, at) for at in ahead]
                kendall = table.signal("kendall")[user, table.cell_offset[row] + step]
                fresh = table.fresh_signal("kendall")[user, row]
                cells.append((step - basis, kendall, fresh, np.mean(gains)))
    return sorted(cells)


@pytest.mark.parametrize("first_list_age_steps", [None, 0, 1, 3])
def test_cells_are_what_their_definition_says(first_list_age_steps):
    table, users = RandomTable.make(5, STEPS, candidate_count=12), np.array([0, 3])
    cells = CalibrationCells.of(table, users, first_list_age_steps, ["kendall"])
    view = cells.view
    found = zip(
        view.list_age_steps,
        view.signals["kendall"],
        view.fresh_signals["kendall"],
        cells.gain,
        strict=True,
    )
    expected = plain_cells(table, users, first_list_age_steps)
    np.testing.assert_allclose(sorted(found), expected, rtol=1e-12)
    assert view.candidate_count == 12
