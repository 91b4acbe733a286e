"""The weight of the learned fusion: one number, fitted on calibration steps alone."""

import numpy as np
from numpy.typing import NDArray

from models.candidate_source import CandidateSource
from models.cells import ById, FoundTargets, HeldLists
from models.list_scores import list_logits
from models.numerics import NumericsPlan
from models.prefixes import Ints, Prefixes, calibration_prefixes
from models.recommender import Recommender
from models.replay_contexts import Replay
from models.training.validation import ndcg
from workloads.progress import SILENT, Progress

USERS = 2000
"""Users (evenly spaced) whose calibration steps are looked at, at most."""
WEIGHTS = np.concatenate(([0.0], 2.0 ** (np.arange(-32, 49) / 8)))
"""The weights tried: 0, which is the LLM's order, and 1/16 to 64 in steps of 9%. NDCG@10 is a step
function of the weight, so a grid finds what a gradient could not; at 64 the SRM decides."""
WITHOUT_EVIDENCE = 1.0
"""The weight (that of variant 3) where no list contains what its user takes."""


def fitted_weight(
    replay: Replay,
    srm: Recommender,
    binary_logits: bool,
    llm: CandidateSource,
    plan: NumericsPlan,
    progress: Progress = SILENT,
) -> float:
    """Return the weight with the highest NDCG@10 on calibration steps.

    Every step is shown twice, with a fresh list and with one that is a step old, because a device
    holds both kinds. Nothing of the replay windows is read.

    Args:
        replay: the split, the history and the lists' size.
        srm: in evaluation mode.
        binary_logits: whether it was trained with binary cross-entropy.
        llm: generates the lists.
        plan: how to compute.
        progress: told of the lists, generated and scored.
    """
    steps = calibration_prefixes(replay.split, replay.history, USERS)
    readable = steps.stop - 1 > steps.start
    older = Prefixes(steps.user[readable], steps.start[readable], steps.stop[readable] - 1)
    user, start, stop = (
        np.concatenate((getattr(steps, name), getattr(older, name)))
        for name in ("user", "start", "stop")
    )
    # The old list of one step is the fresh list of the step before: generate it once.
    _, distinct, which = np.unique(
        np.stack((user, stop)), axis=1, return_index=True, return_inverse=True
    )
    bases = Prefixes(user[distinct], start[distinct], stop[distinct])
    generated = llm.lists(bases, replay.candidates.count, progress).item[which]
    shown = Prefixes(user, start, np.concatenate((steps.stop, older.stop + 1)))
    logit = list_logits(srm, replay.log, shown, generated, plan, progress)
    return best_weight(_found(replay, binary_logits, shown, stop, generated, logit))


def best_weight(targets: FoundTargets) -> float:
    """Return the weight of `WEIGHTS` with the highest NDCG@10, the smallest where several are."""
    if not len(targets.left):
        return WITHOUT_EVIDENCE
    reached = [ndcg(targets.ranks("learned", float(weight)), 10) for weight in WEIGHTS]
    return float(WEIGHTS[int(np.argmax(reached))])


def _found(
    replay: Replay,
    binary_logits: bool,
    shown: Prefixes,
    basis: Ints,
    item: NDArray[np.int32],
    logit: NDArray[np.float32],
) -> FoundTargets:
    """Return the lists that contain what comes after the histories known when they are shown."""
    left = np.ones(item.shape, np.bool_)
    if replay.candidates.exclude_seen:
        newest = replay.log.items[replay.log.offsets[shown.user] + shown.stop - 1]
        since = (shown.stop > basis)[:, None] & (item == newest[:, None])
        left &= ~since
    taken = shown.taken(replay.log)
    lists = HeldLists(item, logit[:, None], left[:, None], taken[:, None])
    return ById.of(lists).targets(binary_logits)
