"""The LLM's lists for every basis, and both models' ranks in the whole catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.catalogue_ranking import hide, target_ranks, top
from models.histories import seen_pairs
from models.numerics import NumericsPlan
from models.recommender import Recommender
from models.replay_contexts import Ints, Replay, ReplayGroup


@dataclass(frozen=True)
class GeneratedLists:
    """Lists of one group of users.

    Attributes:
        bases: int64, shape [bases], ascending.
        item: int32, shape [U, bases, N], best first; 0 where the basis has no interaction inside
            the context.
        score: float32, shape [U, bases, N]: the LLM's logits.
    """

    bases: Ints
    item: NDArray[np.int32]
    score: NDArray[np.float32]

    def at(self, basis: Ints) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the lists and scores of one basis [U] of each user: two arrays [U, N]."""
        everyone, column = np.arange(len(basis)), np.searchsorted(self.bases, basis)
        return self.item[everyone, column], self.score[everyone, column]


class CatalogueScan:
    """Scores the whole catalogue after some histories of a group, some rows at a time."""

    def __init__(self, replay: Replay, plan: NumericsPlan) -> None:
        self._replay = replay
        self._plan = plan

    def lists(
        self, model: Recommender, group: ReplayGroup, bases: Ints, readable: NDArray[np.bool_]
    ) -> GeneratedLists:
        """Return the model's lists of all bases where `readable` (bool, shape [U, bases])."""
        count = self._replay.candidates.count
        item = np.zeros((*readable.shape, count), np.int32)
        score = np.zeros((*readable.shape, count), np.float32)
        rows, columns = np.nonzero(readable)
        for part, logits in self._scan(model, group, group.llm, rows, bases[columns]):
            best, best_logits = top(logits, count)
            item[rows[part], columns[part]] = best.cpu().numpy()
            score[rows[part], columns[part]] = best_logits.cpu().numpy()
        return GeneratedLists(bases, item, score)

    def ranks(self, model: Recommender, group: ReplayGroup, encoded: Tensor) -> NDArray[Any]:
        """Return the rank of every replayed item in the catalogue given H_t: int32 [U, T].

        Items seen before are left out where lists leave them out; such a target has rank 0.
        """
        steps = self._replay.steps
        row = np.repeat(np.arange(len(group.user)), steps)
        step = np.tile(np.arange(steps), len(group.user))
        rank = np.zeros(len(row), np.int32)
        for part, logits in self._scan(model, group, encoded, row, step):
            target = self._tensor(group.taken(row[part], step[part]))
            rank[part] = target_ranks(logits, target).cpu().numpy()
        return rank.reshape(-1, steps)

    def _scan(
        self, model: Recommender, group: ReplayGroup, encoded: Tensor, row: Ints, basis: Ints
    ) -> Iterator[tuple[slice, Tensor]]:
        """Yield (part, logits of that part's rows), with seen items hidden as the settings say."""
        position = group.position(row, basis)
        for first in range(0, len(row), self._plan.ranking_rows):
            part = slice(first, first + self._plan.ranking_rows)
            logits = model.score_catalogue(
                encoded, self._tensor(row[part]), self._tensor(position[part])
            )
            if self._replay.candidates.exclude_seen:
                stop = group.start[row[part]] + basis[part]
                seen_row, seen_item = seen_pairs(self._replay.log, group.user[row[part]], stop)
                hide(logits, self._tensor(seen_row), self._tensor(seen_item))
            yield part, logits

    def _tensor(self, values: Ints) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self._plan.device)
