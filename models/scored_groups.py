"""Lists of a group of users as the SRM scores them at some steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.cells import ById, HeldLists
from models.numerics import NumericsPlan
from models.prefixes import Ints
from models.recommender import Recommender
from models.replay_contexts import ReplayGroup


@dataclass(frozen=True)
class ScoredGroup:
    """One list of each of R users, held from its basis, and scored at S steps.

    Attributes:
        lists: the lists by id.
        logit: float32, shape [R, S, N]: the SRM's logits, in the order of the lists' maker.
        taken: int64, shape [R, S]: items of the list that the user has taken since its basis.
        age_steps: int64, shape [R, S]: steps since the basis.
    """

    lists: ById
    logit: NDArray[np.float32]
    taken: Ints
    age_steps: Ints


class GroupScorer:
    """Scores lists of groups of users.

    Args:
        srm: in evaluation mode.
        exclude_seen: whether a user's device drops what the user has taken since a list's basis.
        plan: how to compute.
    """

    def __init__(self, srm: Recommender, exclude_seen: bool, plan: NumericsPlan) -> None:
        self._srm = srm
        self._exclude_seen = exclude_seen
        self._plan = plan

    def score(
        self,
        group: ReplayGroup,
        item: NDArray[np.int32],
        basis: int,
        steps: Sequence[int],
        row: Ints | None = None,
    ) -> ScoredGroup:
        """Score lists of some users, held from their basis, at some steps.

        Args:
            group: the users.
            item: shape [R, N]: the lists.
            basis: of all of them.
            steps: S steps.
            row: shape [R]: the users; all of them by default.
        """
        encoded = group.srm
        if row is None:
            row = np.arange(len(group.user))
        else:
            encoded = encoded[self._plan.tensor(row)]
        at = np.array(steps)
        position = self._plan.tensor(group.position(row[:, None], at))
        candidates = self._plan.tensor(item.astype(np.int64))
        logit = self._srm.score(encoded, position, candidates).cpu().numpy()
        taken = at[:, None] > _step_taken(group, row, item, basis)[:, None, :]
        left = ~taken if self._exclude_seen else np.ones_like(taken)
        target = group.taken(row[:, None], at)
        return ScoredGroup(
            lists=ById.of(HeldLists(item, logit, left, target)),
            logit=logit,
            taken=taken.sum(axis=2),
            age_steps=np.broadcast_to(at - basis, target.shape),
        )


def _step_taken(group: ReplayGroup, row: Ints, item: NDArray[np.int32], basis: int) -> Ints:
    """Return at which step, from the basis on, each item is taken (T where never): [R, N]."""
    window = group.window[row, basis - group.first_step :]
    step = np.full(item.shape, basis + window.shape[1])
    held, place, which = np.nonzero(item[:, :, None] == window[:, None, :])
    # Of an item that is taken twice, the first time counts: it is written last.
    step[held[::-1], place[::-1]] = basis + which[::-1]
    return step
