"""The lists that devices hold in a replay, and what comes of them under given logits."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.cells import ById, HeldLists, evaluate
from models.fusion import Variant
from models.outcomes import Outcomes
from models.prefixes import Ints
from models.replay_contexts import Replay
from models.signals.scored import ScoredLists


@dataclass(frozen=True)
class ShownLists:
    """What came of some lists at some steps; all arrays have the shape [R].

    Attributes:
        consistency: float32.
        rank: int64; of the item taken, as shown; 0 is a miss.
        srm_rank: int64; where the SRM alone orders the list.
    """

    consistency: NDArray[np.float32]
    rank: NDArray[np.int64]
    srm_rank: NDArray[np.int64]


class ReplayLists:
    """The lists of the outcome tables, by replayed user and row, and what users take when.

    Attributes:
        outcomes: the tables.
        shipped: what the simulation reads of them: what lists show with the shipped parameters.
        shipped_srm_rank: ranks where the SRM alone orders the lists: int [users, cells].
        steps: T, interactions in a replay window.
        fusion: how lists are ordered for display.
        binary_logits: whether the SRM was trained with binary cross-entropy.
        first_step: the earliest step that `taken` can be asked about; not above 0.

    Args:
        replay: what is replayed.
        outcomes: its tables.
        binary_logits: whether the SRM was trained with binary cross-entropy.
        fusion: how lists are ordered for display.
        learned_weight: the SRM's weight in the learned fusion.
        recent: how many steps before the window `taken` is asked about.
    """

    def __init__(
        self,
        replay: Replay,
        outcomes: Outcomes,
        binary_logits: bool,
        fusion: Variant,
        learned_weight: float,
        recent: int,
    ) -> None:
        self.outcomes = outcomes
        self.steps = replay.steps
        self.fusion = fusion
        self.binary_logits = binary_logits
        self._learned_weight = learned_weight
        self._exclude_seen = replay.candidates.exclude_seen
        self._first_list_age_steps = replay.first_list_age_steps
        self.shipped = outcomes.table(fusion)
        self.shipped_srm_rank = outcomes.rank_by_fusion(5)
        self.first_step = -max(recent, replay.first_list_age_steps)
        log, users = replay.log, replay.split.device_users
        position = replay.split.replay_start[users][:, None]
        position = position + np.arange(self.first_step, replay.steps)
        item = log.items[log.offsets[users][:, None] + np.maximum(position, 0)]
        self._window = np.where(position >= 0, item, -1).astype(np.int32)

    def taken(self, user: Ints, step: Ints) -> Ints:
        """Return the items that users take at steps; -1 before their first interaction."""
        return self._window[user, step - self.first_step].astype(np.int64)

    def items(self, user: Ints, row: Ints) -> Ints:
        """Return lists, best first: int64 [R, N]."""
        popular = row == self.steps + 1
        lists = self.outcomes.lists[user, np.where(popular, 0, row)]
        return np.where(popular[:, None], self.outcomes.popular[user], lists).astype(np.int64)

    def left(self, user: Ints, row: Ints, item: Ints, step: Ints) -> NDArray[np.bool_]:
        """Tell which items of lists are left at steps, not dropped as taken since: bool [R, N]."""
        if not self._exclude_seen:
            return np.ones(item.shape, np.bool_)
        basis = np.where(row < self.steps, row, np.where(row == self.steps, self._oldest, 0))
        steps = np.arange(self.first_step, self.steps)
        since = (steps >= basis[:, None]) & (steps < step[:, None])
        taken = np.where(since, self._window[user], -1)
        dropped: NDArray[np.bool_] = (item[:, :, None] == taken[:, None, :]).any(axis=2)
        return ~dropped

    @property
    def _oldest(self) -> int:
        return -self._first_list_age_steps

    def evaluate(self, user: Ints, row: Ints, step: Ints, logit: NDArray[np.float32]) -> ShownLists:
        """Return what comes of lists that were scored at steps: logits float32 [R, N]."""
        held = self._by_id(user, row, step, logit)
        cells = evaluate(held, self.binary_logits, self._learned_weight)
        popular = row == self.steps + 1  # shown in its own order under every fusion

        def as_shown(variant: Variant) -> NDArray[np.int64]:
            return np.where(popular, cells.list_rank[:, 0], cells.fused_rank[variant][:, 0])

        return ShownLists(cells.consistency[:, 0], as_shown(self.fusion), as_shown(5))

    def signals(
        self,
        names: Collection[str],
        user: Ints,
        row: Ints,
        step: Ints,
        logit: NDArray[np.float32],
        basis_logit: NDArray[np.float32],
    ) -> dict[str, NDArray[np.float32]]:
        """Return some signals of lists that were scored at steps: float32 [R] each.

        Args:
            names: of `SCORED_SIGNALS`.
            user: shape [R].
            row: shape [R].
            step: shape [R].
            logit: shape [R, N].
            basis_logit: shape [R, N]: those given what the lists' maker knew.
        """
        scored = ScoredLists(self._by_id(user, row, step, logit), basis_logit)
        return {name: values[:, 0] for name, values in scored.signals(names).items()}

    def _by_id(self, user: Ints, row: Ints, step: Ints, logit: NDArray[np.float32]) -> ById:
        """Return lists that were scored at steps, each at one: logits [R, N]."""
        item = self.items(user, row)
        left = self.left(user, row, item, step)
        taken = self.taken(user, step)
        return ById.of(HeldLists(item, logit[:, None], left[:, None], taken[:, None]))
