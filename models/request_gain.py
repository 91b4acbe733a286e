"""What a fresh list would gain, predicted from what a device can know of the list that it holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.fusion import Variant
from models.outcomes import Outcomes
from models.training.validation import gains

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

CUTOFF = 10
HORIZON_STEPS = 4
"""Steps over which a fresh list is compared with the held one. On MovieLens 100K, Amazon Beauty and
synthetic data horizons of 1 to 5 steps gave policies of the same accuracy."""
LARGEST_FIT = 300_000
"""Cells to learn from, at most; there are users enough where there are more."""
CELLS_AT_A_TIME = 500_000
"""Cells whose features are in memory at a time."""
FEATURES = (
    "list_age_steps",
    "footrule",
    "fall_of_footrule",
    "self_consistency",
    "taken_share",
    "margin",
    "entropy",
    "fresh_entropy",
    "context",
    "surprise",
)
"""What the prediction is made from, in this order.

The list's age (none of a popularity list); its consistency and how much that fell since it was
made; how much the SRM's own order of it has changed; how many of its items the user took per step;
how sure the SRM is of its best item, and of its order now and when the list was made; interactions
known (of the context before the session: a steady user or a new one); and how surprising the last
interaction was: log of its rank in the SRM's order of the whole unseen catalogue just before.

On a phone all but the last come from scores of the list, which are computed anyway: sorting 50
scores twice and a softmax, some 10 000 operations; the list's first order and its scores are kept.
The last takes a product with the whole item table once a step (3 700 items x 64: 0.5 MFLOP). The
model itself is 40 trees of 3 comparisons or so.
"""


@dataclass(frozen=True)
class Known:
    """What devices know besides signals of their lists.

    Attributes:
        context_interactions: int64, shape [users]: interactions before the replay window that the
            models are given.
        first_list_age_steps: age of the preloaded list at step 0.
    """

    context_interactions: NDArray[np.int64]
    first_list_age_steps: int


def predicted_gain(
    outcomes: Outcomes, fusion: Variant, part_of_user: NDArray[np.int64], known: Known
) -> NDArray[np.float32]:
    """Return what a fresh list would gain over the held one, as other users' outcomes foretell it.

    Learned is, for the held row r at step t, the mean over k = 0 .. 3 (as far as the window goes)
    of NDCG@10 at t + k with the list of step t less that with row r. What is learned from the
    other parts of the users predicts a part, so nothing that a user does later decides its
    prediction.
    The steps that are left are no feature: a device does not know when its session ends.

    Trees are boosted on least squares (Friedman 2001, algorithm 2; histograms as in LightGBM).
    Deterministic, whatever the number of threads; some seconds for 2,000 users of 20 steps.

    Args:
        outcomes: the outcome tables.
        fusion: how lists are ordered for display.
        part_of_user: int64, shape [users]: from 0, such as 0 and 1 of halves; users of a negative
            number are left out.
        known: what devices know besides.

    Returns:
        float32, shape [users, cells]: in NDCG@10 per step; 0 at a list's own step, and everywhere
        for users who are left out, and for a part where the others are empty.
    """
    cells = _held_cells(outcomes)
    predicted = np.zeros(outcomes.consistency.shape, np.float32)
    for part in range(part_of_user.max() + 1):
        teachers = np.flatnonzero((part_of_user >= 0) & (part_of_user != part))
        pupils = np.flatnonzero(part_of_user == part)
        if not len(teachers):
            continue
        teachers = teachers[:: -(-len(teachers) * len(cells.row) // LARGEST_FIT)]
        gain, steps = _gain(outcomes, fusion, teachers, cells)
        model = _regressor().fit(
            _features(outcomes, known, teachers, cells),
            gain.ravel(),
            sample_weight=np.tile(steps, len(teachers)),
        )
        for some in _portions(pupils, len(cells.row)):
            foretold = model.predict(_features(outcomes, known, some, cells))
            predicted[some[:, None], cells.cell] = foretold.reshape(len(some), -1)
    return predicted


def _regressor() -> "HistGradientBoostingRegressor":
    # Here, because it takes a second to load, and what was learned once is kept.
    from sklearn.ensemble import HistGradientBoostingRegressor

    # Gains are mostly noise: few small trees, and bins, which take most of the time, no finer than
    # that: 64, 128 and 255 gave policies of the same accuracy.
    return HistGradientBoostingRegressor(
        max_bins=64,
        learning_rate=0.1,
        max_iter=40,
        max_leaf_nodes=8,
        min_samples_leaf=100,
        l2_regularization=10.0,
        early_stopping=False,
        random_state=0,
    )


@dataclass(frozen=True)
class _HeldCells:
    """All cells but those at which a list is made: int64, shape [C] each.

    Attributes:
        row: of the outcome table.
        step: at which the list is held.
        cell: where it is in the table.
    """

    row: NDArray[np.int64]
    step: NDArray[np.int64]
    cell: NDArray[np.int64]


def _held_cells(outcomes: Outcomes) -> _HeldCells:
    steps = outcomes.steps
    pairs = [(row, step) for row in range(steps) for step in range(row + 1, steps)]
    pairs += [(row, step) for row in (steps, steps + 1) for step in range(steps)]
    row, step = np.array(pairs, np.int64).T
    return _HeldCells(row, step, outcomes.cell_offset[row] + step)


def _gain(
    outcomes: Outcomes, fusion: Variant, users: NDArray[np.int64], cells: _HeldCells
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean gain of a fresh list: [users, C]; and over how many steps: [C]."""
    ndcg = gains(np.arange(outcomes.candidate_count + 1), CUTOFF)
    rank = outcomes.rank_by_fusion(fusion)[users]
    gain = np.zeros((len(users), len(cells.row)))
    steps = np.zeros(len(cells.row), np.int64)
    for ahead in range(HORIZON_STEPS):
        there = cells.step + ahead < outcomes.steps
        fresh = outcomes.cell_offset[cells.step[there]] + cells.step[there] + ahead
        held = cells.cell[there] + ahead
        gain[:, there] += ndcg[rank[:, fresh]] - ndcg[rank[:, held]]
        steps += there
    return gain / steps, steps


def _features(
    outcomes: Outcomes, known: Known, users: NDArray[np.int64], cells: _HeldCells
) -> NDArray[np.float32]:
    """Return the features of all cells of some users: [users x C, features]."""
    flat = users[:, None], cells.cell
    made = users[:, None], cells.row
    footrule = outcomes.signal("footrule")[flat]
    steps = outcomes.steps
    basis = np.where(cells.row < steps, cells.row, -known.first_list_age_steps)
    columns = {
        "list_age_steps": np.where(cells.row <= steps, cells.step - basis, np.nan),
        "footrule": footrule,
        "fall_of_footrule": outcomes.fresh_signal("footrule")[made] - footrule,
        "self_consistency": outcomes.signal("self_consistency")[flat],
        "taken_share": outcomes.signal("taken_share")[flat],
        "margin": outcomes.signal("margin")[flat],
        "entropy": outcomes.signal("entropy")[flat],
        "fresh_entropy": outcomes.fresh_signal("entropy")[made],
        "context": known.context_interactions[users, None],
        "surprise": _surprise(outcomes, users)[:, cells.step],
    }
    shape = len(users), len(cells.row)
    features = [np.broadcast_to(columns[name], shape).ravel() for name in FEATURES]
    return np.stack(features, axis=1).astype(np.float32)


def _surprise(outcomes: Outcomes, users: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how surprising the interaction before each step was: [users, T].

    nan before the first step; an item that was seen before surprises no one.
    """
    rank = np.maximum(outcomes.full_rank_srm[users], 1)
    unknown = np.nan if outcomes.steps > 1 else 0.0  # trees cannot grow on nan alone
    first = np.full((len(users), 1), unknown)
    return np.concatenate((first, np.log(rank[:, :-1])), axis=1)


def _portions(users: NDArray[np.int64], cells: int) -> Iterator[NDArray[np.int64]]:
    """Yield users whose features fit memory."""
    count = max(1, CELLS_AT_A_TIME // cells)
    for first in range(0, len(users), count):
        yield users[first : first + count]
