"""The weight of the learned fusion: one number, fitted on calibration steps alone."""

from collections.abc import Iterable, Iterator

import numpy as np

from models.cells import FoundTargets
from models.generated_lists import GeneratedLists
from models.prefixes import Ints
from models.replay_contexts import Replay, ReplayGroup
from models.scored_groups import GroupScorer
from models.training.validation import ndcg

USERS = 2000
"""Users (evenly spaced) whose calibration steps are looked at, at most."""
WEIGHTS = np.concatenate(([0.0], 2.0 ** (np.arange(-32, 49) / 8)))
"""The weights tried: 0, which is the LLM's order, and 1/16 to 64 in steps of 9%. NDCG@10 is a step
function of the weight, so a grid finds what a gradient could not; at 64 the SRM decides."""
WITHOUT_EVIDENCE = 1.0
"""The weight (that of variant 3) where no list contains what its user takes."""
AGES = (0, 1)
"""Every step is shown a fresh list and one that is a step old, as a device holds both kinds."""


def calibrating_members(replay: Replay) -> Ints:
    """Return whose calibration steps are looked at: positions in the split's `device_users`."""
    users = len(replay.split.device_users)
    return np.linspace(0, users - 1, min(USERS, users)).astype(np.int64)


def calibration_steps(replay: Replay) -> Ints:
    """Return how many calibration steps each replayed user's context holds: int64 [users]."""
    user = replay.split.device_users
    steps = replay.split.replay_start[user] - replay.split.calibration_start[user]
    return np.asarray(np.minimum(steps, replay.contexts))


def fitted_weight(
    replay: Replay,
    generated: Iterable[tuple[ReplayGroup, GeneratedLists]],
    scorer: GroupScorer,
    binary_logits: bool,
) -> float:
    """Return the weight with the highest NDCG@10 on calibration steps.

    They are seen from the context that is replayed afterwards: its calibration steps come last in
    it, after what is left of `history`. So the contexts that the weight is fitted on are shorter
    than those replayed, by up to `calibration_steps` interactions (the list that is a step old, by
    one more), and a `history` of 1 leaves nothing before any of them: without evidence the weight
    is `WITHOUT_EVIDENCE`. Nothing of the replay windows is read.

    Args:
        replay: what is replayed.
        generated: users, with their lists of all bases that the steps need.
        scorer: has the SRM score them.
        binary_logits: whether it was trained with binary cross-entropy.
    """
    steps = calibration_steps(replay)
    found = [
        scored
        for group, lists in generated
        for scored in _targets(group, lists, steps[group.member], scorer, binary_logits)
    ]
    return best_weight(FoundTargets.joined(found)) if found else WITHOUT_EVIDENCE


def best_weight(targets: FoundTargets) -> float:
    """Return the weight of `WEIGHTS` with the highest NDCG@10, the smallest where several are."""
    if not len(targets.left):
        return WITHOUT_EVIDENCE
    reached = [ndcg(targets.ranks("learned", float(weight)), 10) for weight in WEIGHTS]
    return float(WEIGHTS[int(np.argmax(reached))])


def _targets(
    group: ReplayGroup,
    generated: GeneratedLists,
    steps: Ints,
    scorer: GroupScorer,
    binary_logits: bool,
) -> Iterator[FoundTargets]:
    """Yield the lists that contain what their users take at calibration steps."""
    for basis in range(-int(steps.max(initial=0)) - max(AGES), 0):
        for age in AGES:
            step = basis + age
            row = np.flatnonzero((group.context + basis >= 1) & (-steps <= step))
            if step < 0 and len(row):
                item = generated.at(basis)[0][row]
                scored = scorer.score(group, item, basis, [step], row)
                yield scored.lists.targets(binary_logits)
