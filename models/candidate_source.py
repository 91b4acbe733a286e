"""Where candidate lists come from: a model that continues histories, whatever its kind."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.catalogue_ranking import hide, target_ranks, top
from models.errors import NotNumbers
from models.histories import seen_pairs
from models.matrix_products import fast_products
from models.numerics import NumericsPlan
from models.prefixes import Ints, Prefixes, prefix_groups
from models.reading import read
from models.recommender import Recommender
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT, Progress

GENERATING = "Generate candidate lists"
"""What progress is told of lists."""
SCANNED_ROWS = 128
"""Prefixes after which the catalogue is scored at a time, on a CPU: of 12,000 items, 6 MB of logits
that are ranked before they leave its cache."""


@dataclass(frozen=True)
class CandidateLists:
    """The lists that a model proposes for some prefixes, best first.

    Attributes:
        item: int32, shape [R, N].
        score: float32, shape [R, N]: logits or log-probabilities, whatever the model orders by.
        invalid: int32, shape [R]: candidates of each list that the model proposed and that are no
            items of the catalogue.
    """

    item: NDArray[np.int32]
    score: NDArray[np.float32]
    invalid: NDArray[np.int32]


class CandidateSource(ABC):
    """Continues histories with lists of items."""

    @abstractmethod
    def lists(self, prefixes: Prefixes, count: int, progress: Progress = SILENT) -> CandidateLists:
        """Return the `count` best items after each prefix.

        Args:
            prefixes: R histories.
            count: items in a list.
            progress: told of the lists that are generated.
        """

    @abstractmethod
    def ranks(self, prefixes: Prefixes, taken: Ints) -> Ints:
        """Return the 1-based rank of one item after each prefix among all that the model can say.

        0 where the item is left out as seen, or where the model does not reach it.

        Args:
            prefixes: R histories.
            taken: int64, shape [R].

        Returns:
            int64, shape [R].
        """

    def lists_and_ranks(
        self, prefixes: Prefixes, count: int, taken: Ints, progress: Progress = SILENT
    ) -> tuple[CandidateLists, Ints]:
        """Return what `lists` and `ranks` return; a source that can reads each history once.

        Args:
            prefixes: R histories.
            count: items in a list.
            taken: int64, shape [R]: the item to rank; -1 for none, of rank 0.
            progress: told of the lists that are generated.
        """
        asked = np.flatnonzero(taken >= 0)
        rank = np.zeros(len(prefixes), np.int64)
        rank[asked] = self.ranks(prefixes.part(asked), taken[asked])
        return self.lists(prefixes, count, progress), rank


class CatalogueScan(CandidateSource):
    """Scores the whole catalogue after each prefix: one causal pass a history, some rows at a time.

    Args:
        model: in evaluation mode.
        log: the interactions.
        plan: how to compute.
        exclude_seen: leave out all items that the user took before the prefix's end.

    Raises:
        NotNumbers: some logits are none.
    """

    def __init__(
        self, model: Recommender, log: InteractionLog, plan: NumericsPlan, exclude_seen: bool
    ) -> None:
        self._model = model
        self._log = log
        self._plan = plan
        self._exclude_seen = exclude_seen

    def lists(self, prefixes: Prefixes, count: int, progress: Progress = SILENT) -> CandidateLists:
        """Return the items with the highest logits."""
        return self.lists_and_ranks(prefixes, count, np.full(len(prefixes), -1), progress)[0]

    def ranks(self, prefixes: Prefixes, taken: Ints) -> Ints:
        """Return the ranks by logit in the whole catalogue."""
        rank = np.zeros(len(prefixes), np.int64)
        for member, logits in self._scan(prefixes):
            rank[member] = self._target_ranks(logits, taken[member])
        return rank

    def lists_and_ranks(
        self, prefixes: Prefixes, count: int, taken: Ints, progress: Progress = SILENT
    ) -> tuple[CandidateLists, Ints]:
        """Return the items with the highest logits, and the ranks by logit."""
        item = np.zeros((len(prefixes), count), np.int32)
        score = np.zeros((len(prefixes), count), np.float32)
        rank = np.zeros(len(prefixes), np.int64)
        with progress.phase(GENERATING, len(prefixes)) as advance:
            for member, logits in self._scan(prefixes):
                best, best_logits = top(logits, count)
                item[member] = best.cpu().numpy()
                score[member] = best_logits.cpu().numpy()
                asked = np.flatnonzero(taken[member] >= 0)
                if len(asked):
                    rank[member[asked]] = self._target_ranks(
                        logits[self._plan.tensor(asked)], taken[member[asked]]
                    )
                advance(len(member))
        return CandidateLists(item, score, np.zeros(len(prefixes), np.int32)), rank

    def _target_ranks(self, logits: Tensor, taken: Ints) -> Ints:
        ranks: Ints = target_ranks(logits, self._plan.tensor(taken)).cpu().numpy()
        return ranks

    def ranks_read(
        self, encoded: Tensor, row: Ints, step: Ints, prefixes: Prefixes, taken: Ints
    ) -> Ints:
        """Return what `ranks` returns, of histories that have been read before.

        Args:
            encoded: the reading of B histories, shape [B, L, width].
            row: int64, shape [R]: which of them each prefix is in.
            step: int64, shape [R]: the position of its last item there.
            prefixes: R histories.
            taken: int64, shape [R].
        """
        rank = np.zeros(len(prefixes), np.int64)
        for part, logits in self._scored(encoded, row, step, prefixes):
            rank[part] = self._target_ranks(logits, taken[part])
        return rank

    def _scan(self, prefixes: Prefixes) -> Iterator[tuple[Ints, Tensor]]:
        """Yield (which prefixes, logits of the catalogue after them), seen items hidden."""
        with torch.inference_mode():
            for group in prefix_groups(self._log, prefixes, self._plan.batch_positions):
                encoded = read(self._model, self._plan.tensor(group.histories), self._plan)
                of_group = prefixes.part(group.member)
                for part, logits in self._scored(encoded, group.row, group.step, of_group):
                    yield group.member[part], logits

    def _scored(
        self, encoded: Tensor, row: Ints, step: Ints, prefixes: Prefixes
    ) -> Iterator[tuple[slice, Tensor]]:
        """Yield (some of the prefixes, logits of the catalogue after them), seen items hidden."""
        plan, rows = self._plan, self._plan.ranking_rows
        if plan.device == "cpu":
            rows = min(SCANNED_ROWS, rows)
        for first in range(0, len(prefixes), rows):
            part = slice(first, first + rows)
            with fast_products(plan):
                logits = self._model.score_catalogue(
                    encoded, plan.tensor(row[part]), plan.tensor(step[part])
                )
            if logits.amax().isnan():  # it is where any is
                raise NotNumbers
            if self._exclude_seen:
                seen_row, seen = seen_pairs(self._log, prefixes.user[part], prefixes.stop[part])
                hide(logits, plan.tensor(seen_row), plan.tensor(seen))
            yield part, logits
