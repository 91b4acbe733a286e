"""The store against live batch-1 calls of both models: what differs, and what near-ties allow.

Each score may differ by `TOLERANCE`. So two scores may change places where they are within twice
that, and nothing else may follow from it; what does not is written down as unexplained.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from plain_outcomes import PlainOutcomes, fused

from models.fusion import VARIANTS, Variant
from models.outcomes import Outcomes

TOLERANCE = 1e-5
NEAR_TIE = 2 * TOLERANCE
OPINION_PER_LOGIT = 0.75
"""How far p moves, at most, for logits that move by a standard deviation of theirs: 1/4 for the
logit, as much for the mean (the sigmoid's steepest slope), 0.224 for the deviation (|z| p'(z))."""


@dataclass
class Agreement:
    """What was compared, what differed, and what no near-tie explains."""

    scores: int = 0
    largest_score_difference: float = 0.0
    places: int = 0
    differing_places: int = 0
    cells: int = 0
    differing_cells: int = 0
    unexplained: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.scores} list scores differ by at most {self.largest_score_difference:.1e}; "
            f"{self.differing_places} of {self.places} places in lists and "
            f"{self.differing_cells} of {self.cells} cells differ from live calls; "
            f"no near-tie explains {self.unexplained[:5]}"
        )


def compare(outcomes: Outcomes, users: Mapping[int, PlainOutcomes], first_age: int) -> Agreement:
    """Compare the lists and cells of some users, given by their position in the store."""
    found = Agreement()
    rank_by_fusion = {variant: outcomes.rank_by_fusion(variant) for variant in VARIANTS}
    for user, plain in users.items():
        steps = outcomes.table(3).steps
        bases = [*range(steps), -first_age]
        for row, basis in enumerate(bases):
            _compare_list(found, outcomes, user, plain, row, basis)
        for row, basis in enumerate([*bases, 0]):
            items = outcomes.popular[user] if row > steps else outcomes.lists[user, row]
            for step in range(basis if row < steps else 0, steps):
                cell = outcomes.cell_offset[row] + step
                ranks = {v: int(rank[user, cell]) for v, rank in rank_by_fusion.items()}
                _compare_cell(
                    found,
                    plain,
                    plain.left(items.tolist(), basis, step),
                    step,
                    float(outcomes.consistency[user, cell]),
                    dict.fromkeys(VARIANTS[:1], ranks[1]) if row > steps else ranks,
                )
    return found


def _compare_list(
    found: Agreement, outcomes: Outcomes, user: int, plain: PlainOutcomes, row: int, basis: int
) -> None:
    stored, logits = outcomes.lists[user, row].tolist(), plain.logits(plain.llm, basis)
    for score, item in zip(outcomes.list_scores[user, row].tolist(), stored, strict=True):
        difference = abs(score - logits[item])
        found.scores += 1
        found.largest_score_difference = max(found.largest_score_difference, difference)
    for then, now in zip(stored, plain.fresh_list(basis), strict=True):
        found.places += 1
        found.differing_places += then != now
        if abs(logits[then] - logits[now]) > NEAR_TIE:
            found.unexplained.append(f"user {user} list {row}: {then} for {now}")


def _compare_cell(
    found: Agreement,
    plain: PlainOutcomes,
    left: list[int],
    step: int,
    consistency: float,
    ranks: Mapping[Variant, int],
) -> None:
    """Compare one cell, given the items left of its list and what is stored of it."""
    live, live_ranks, _ = plain.cell(left, step, step)
    logits, n = plain.logits(plain.srm, step), len(left)
    ties = sum(abs(logits[a] - logits[b]) <= NEAR_TIE for a, b in combinations(left, 2))
    where = f"user {plain.user} step {step} of {n} items with {ties} near-ties"
    found.cells += 1
    found.differing_cells += np.float32(live) != np.float32(consistency) or any(
        live_ranks[variant] != rank for variant, rank in ranks.items()
    )
    # A near-tie that is broken the other way moves two items by a place: the footrule by 2.
    if abs(live - consistency) > 2 * ties / max(n * n // 2, 1) + 1e-6:
        found.unexplained.append(f"{where}: consistency {consistency} for {live}")
    for variant, rank in ranks.items():
        lowest, highest = _possible_ranks(plain, left, step, variant)
        if not lowest <= rank <= highest:
            found.unexplained.append(
                f"{where}: rank {rank} under fusion {variant}, not {lowest} to {highest}"
            )


def _possible_ranks(
    plain: PlainOutcomes, left: list[int], step: int, variant: Variant
) -> tuple[int, int]:
    """The best and worst rank of the target where each SRM logit moves by the tolerance."""
    target = plain.target(step)
    if target not in left:
        return 0, 0
    deviation = plain.deviation(left, step)
    slack = OPINION_PER_LOGIT * TOLERANCE / deviation if deviation else 0.0
    p = plain.opinion(left, step)
    low, high = (
        {
            item: fused(variant, r, len(left), p[item] + sign * slack, plain.learned_weight)
            for r, item in enumerate(left, start=1)
        }
        for sign in (-1, 1)
    )
    others = [item for item in left if item != target]
    best = 1 + sum(low[item] > high[target] for item in others)
    worst = 1 + sum(high[item] >= low[target] for item in others)
    return best, worst
