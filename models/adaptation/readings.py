"""The SRM's readings of all replayed contexts, shared by all who score with them."""

import numpy as np
import torch
from torch import Tensor

from models.numerics import NumericsPlan
from models.prefixes import Ints
from models.recommender import Recommender
from models.replay_contexts import Replay, replay_groups


class Readings:
    """What `encode` makes of every replayed user's context and window.

    Attributes:
        context: int64, shape [users]: interactions of each context before the window.

    Args:
        replay: what is replayed.
        srm: in evaluation mode.
        plan: how to compute.
    """

    def __init__(self, replay: Replay, srm: Recommender, plan: NumericsPlan) -> None:
        self.context = replay.contexts
        self._length = replay.contexts + replay.steps - 1
        self._start = np.cumsum(self._length) - self._length
        self._flat = torch.empty(0)
        with torch.no_grad():
            for group in replay_groups(replay, 0, srm, plan):
                if not len(self._flat):
                    total = int(self._length.sum())
                    self._flat = group.srm.new_empty((total, group.srm.shape[-1]))
                for row, user in enumerate(group.member.tolist()):
                    start, length = int(self._start[user]), int(self._length[user])
                    self._flat[start : start + length] = group.srm[row, :length]

    def of(self, user: Ints) -> Tensor:
        """Return the readings of users, all padded to one length: float [R, L, width]."""
        within = np.minimum(np.arange(self._length.max()), self._length[user][:, None] - 1)
        index = torch.from_numpy(self._start[user][:, None] + within)
        return self._flat[index.to(self._flat.device)]
