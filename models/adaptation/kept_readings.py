"""Readings by several versions of the SRM: made as they are asked for, and kept for a while."""

import numpy as np
import torch
from torch import Tensor

from models.numerics import NumericsPlan
from models.prefixes import Ints
from models.recommender import Recommender
from models.replay_contexts import Replay, replay_batches, replay_group

KEPT_BATCHES = 128
"""Batches of users whose readings are kept: 256 MiB for states of 64 numbers."""
KEPT_VERSIONS = 3
"""More batches are kept where three versions have more: two are in force where every download ends
before the next begins."""


class KeptReadings:
    """What versions of the SRM make of replayed users' contexts and windows.

    A user is always read in the same batch, so no digit depends on who is asked for, when, and what
    is still kept. Those that were not asked for longest are forgotten.

    Args:
        replay: what is replayed.
        plan: how to compute.
        kept: batches that are kept; None for as many as the constants above say.
    """

    def __init__(self, replay: Replay, plan: NumericsPlan, kept: int | None = None) -> None:
        self._replay = replay
        self._plan = plan
        self._batches = replay_batches(replay, plan)
        self._most = kept or max(KEPT_BATCHES, KEPT_VERSIONS * len(self._batches))
        self._length = replay.contexts + replay.steps - 1
        self._batch = np.empty(len(self._length), np.int64)
        self._row = np.empty(len(self._length), np.int64)
        for batch, member in enumerate(self._batches):
            self._batch[member] = batch
            self._row[member] = np.arange(len(member))
        self._kept: dict[tuple[int, int], Tensor] = {}  # the one used last comes last

    def of(self, version: int, srm: Recommender, user: Ints) -> Tensor:
        """Return the readings of users, all padded to one length: float [R, L, width].

        Args:
            version: names the SRM's weights.
            srm: the SRM with these weights, in evaluation mode.
            user: int64, shape [R]: positions in the split's `device_users`.
        """
        batch = self._batch[user]
        read = {each: self._read(version, srm, each) for each in np.unique(batch).tolist()}
        within = np.minimum(np.arange(self._length.max()), self._length[user][:, None] - 1)
        return torch.stack(
            [
                read[each][row][self._plan.tensor(position)]
                for each, row, position in zip(
                    batch.tolist(), self._row[user].tolist(), within, strict=True
                )
            ]
        )

    def _read(self, version: int, srm: Recommender, batch: int) -> Tensor:
        read = self._kept.pop((version, batch), None)
        if read is None:
            while len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            with torch.no_grad():
                read = replay_group(self._replay, self._batches[batch], 0, srm, self._plan).srm
        self._kept[version, batch] = read
        return read
