"""What the store says against what the models said when they were called one by one.

Each score may differ by `TOLERANCE`: sums in another order. So two scores may change places where
they are within twice that, and an order that differs otherwise is one that nothing explains.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.live_program import LiveProgram, Scored
from models.outcomes import Outcomes
from sim.records.result import SimulationResult

TOLERANCE = 1e-5
NEAR_TIE = 2 * TOLERANCE
OPINION_PER_LOGIT = 0.75
"""How far p moves, at most, for logits that move by a standard deviation of theirs: 1/4 for the
logit, as much for the mean (the sigmoid's steepest slope), 0.224 for the deviation (|z| p'(z))."""


@dataclass
class LiveAgreement:
    """What was compared, and what differed.

    Attributes:
        lists: that the LLM made.
        differing_lists: of these, how many have another order in the store.
        unexplained_lists: of these, how many change places of items that are no near-tie.
        largest_score_difference: of a list's scores, between store and live call.
        cells: pairs of a list and a step at which the SRM scored it.
        differing_cells: of these, how many have another consistency (by more than the tolerance)
            or another rank shown.
        unexplained_cells: of these, how many have no near-tie.
        interactions: lived through.
        same_events: whether requests, their times and decisions are bit for bit those of the
            engine, which reads the store.
    """

    lists: int = 0
    differing_lists: int = 0
    unexplained_lists: int = 0
    largest_score_difference: float = 0.0
    cells: int = 0
    differing_cells: int = 0
    unexplained_cells: int = 0
    interactions: int = 0
    same_events: bool = False


def compare(
    program: LiveProgram, lived: SimulationResult, engine: SimulationResult, outcomes: Outcomes
) -> LiveAgreement:
    """Compare all that a live program asked its models with the store.

    Args:
        program: that has run.
        lived: what came of it.
        engine: what the engine makes of the same world.
        outcomes: what the engine read.
    """
    found = LiveAgreement(
        interactions=int(lived.interactions.happened.sum()), same_events=_same(lived, engine)
    )
    ranks = outcomes.rank_by_fusion(3)
    for device, user in enumerate(program.world.sessions.user.tolist()):
        differing = set()
        for row, items in program.lists[device].items():
            if not _same_list(found, program, outcomes, device, user, row, items):
                differing.add(row)
        for (row, step), scored in program.scored[device].items():
            cell = int(outcomes.cell_offset[row]) + step
            found.cells += 1
            gap = abs(scored.consistency - float(outcomes.consistency[user, cell]))
            if gap > TOLERANCE or scored.rank != int(ranks[user, cell]):
                found.differing_cells += 1
                found.unexplained_cells += row not in differing and not _near_tie(scored)
    return found


def _same_list(
    found: LiveAgreement,
    program: LiveProgram,
    outcomes: Outcomes,
    device: int,
    user: int,
    row: int,
    items: NDArray[np.int64],
) -> bool:
    """Compare a list, and return whether it has the same order."""
    live, stored = program.list_logits[device][row], outcomes.list_scores[user, row]
    known = dict(zip(items.tolist(), live.tolist(), strict=True))
    in_store = outcomes.lists[user, row].tolist()
    found.lists += 1
    # Of an item beyond the live list's end, the live score is that of the store but for rounding.
    now = np.array([known.get(item, score) for item, score in zip(in_store, stored, strict=True)])
    both = [item in known for item in in_store]
    gap = float(np.abs(now - stored)[both].max(initial=0.0))
    found.largest_score_difference = max(found.largest_score_difference, gap)
    found.differing_lists += in_store != items.tolist()
    found.unexplained_lists += bool(np.abs(now - live).max() > NEAR_TIE)
    return bool(in_store == items.tolist())


def _near_tie(scored: Scored) -> bool:
    """Return whether two of a list's logits, or of its fused values, may change places."""
    if len(scored.logit) < 2:
        return False
    spread = float(scored.logit.std(dtype=np.float64))
    slack = 2 * OPINION_PER_LOGIT * TOLERANCE / spread if spread else 0.0
    return bool(
        np.diff(np.sort(scored.logit)).min() <= NEAR_TIE
        or np.diff(np.sort(scored.value)).min() <= slack
    )


def _same(lived: SimulationResult, engine: SimulationResult) -> bool:
    """Return whether the same was decided, asked and shown, at the same times."""
    names = ("decision_s", "shown_s", "held_row", "shown_row", "requested", "suppressed")
    happened = lived.interactions.happened
    same = np.array_equal(happened, engine.interactions.happened) and all(
        np.array_equal(
            getattr(lived.interactions, name)[happened],
            getattr(engine.interactions, name)[happened],
        )
        for name in names
    )
    columns = ("device", "step", "sent_s", "received_s", "outcome")
    return bool(same) and all(
        np.array_equal(
            getattr(lived.requests, name), getattr(engine.requests, name), equal_nan=True
        )
        for name in columns
    )
