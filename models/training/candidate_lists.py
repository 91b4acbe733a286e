"""Rank inside candidate lists: the cooperative training of the SRM."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.corpus import Corpus
from models.histories import Pieces
from models.list_scores import list_logits
from models.numerics import NumericsPlan
from models.prefixes import Ints, Prefixes
from models.recommender import Recommender
from models.training.next_item import NextItem, list_loss
from models.training.objective import Objective
from models.training.settings import Cooperative, RecipeSettings
from models.training.validation import ndcg
from models.training.windows import training_windows


class ListRanking(Objective):
    """The item taken after a training prefix, against the items that the LLM proposes there.

    Examples are the windows of independent training, and each of their positions that has a list
    asks for one prediction. Early stopping watches what the training is for: the SRM re-ranks the
    LLM's lists of the calibration steps, where a step whose item is not in its list is a miss.

    Args:
        model: the SRM.
        corpus: what it learns from.
        recipe: its training.
        plan: how to compute.
        seed: of the negatives of the next-item loss.
        strategy: which lists count, and their loss.
        prefixes: R training prefixes.
        negatives: int32, shape [R, N - 1]: what each list holds beside the item taken.
        proposed: bool, shape [R]: the LLM proposed the item taken.
        calibration: V prefixes of calibration steps.
        calibration_lists: int32, shape [V, M]: the LLM's lists after them.
    """

    def __init__(
        self,
        model: Recommender,
        corpus: Corpus,
        recipe: RecipeSettings,
        plan: NumericsPlan,
        seed: int,
        strategy: Cooperative,
        prefixes: Prefixes,
        negatives: NDArray[np.int32],
        proposed: NDArray[np.bool_],
        calibration: Prefixes,
        calibration_lists: NDArray[np.int32],
    ) -> None:
        self._model = model
        self._corpus = corpus
        self._plan = plan
        self._softmax = strategy.loss == "softmax"
        self._next_item_weight = strategy.next_item_weight
        # A logit has one meaning: the next items are predicted by the loss of the lists.
        same_loss = recipe.model_copy(update={"loss": strategy.loss})
        self._next_item = NextItem(model, corpus, same_loss, plan, seed)
        self._negatives = negatives
        self._calibration = calibration
        self._calibration_lists = calibration_lists
        self._list_of = self._lists_by_position(prefixes, proposed, strategy)
        windows = training_windows(corpus.log, corpus.split.train_stop, model.positions)
        listed = np.concatenate(([0], np.cumsum(self._list_of >= 0)))
        targets = listed[windows.start + 1 + windows.length] - listed[windows.start + 1]
        self._window = np.flatnonzero((targets > 0) | (self._next_item_weight > 0))
        self._windows = Pieces(windows.start[self._window], windows.length[self._window])
        self.targets = self._windows.length if self._next_item_weight else targets[self._window]

    def _lists_by_position(
        self, prefixes: Prefixes, proposed: NDArray[np.bool_], strategy: Cooperative
    ) -> Ints:
        """Return which list each logged interaction is the target of; -1 where of none."""
        log = self._corpus.log
        use = np.flatnonzero(proposed | (strategy.targets == "all"))
        list_of = np.full(log.interactions, -1, np.int64)
        list_of[log.offsets[prefixes.user[use]] + prefixes.stop[use]] = use
        return list_of

    def loss(self, examples: NDArray[np.int64]) -> Tensor:
        """Return the mean loss over the lists of some windows, with that of their next items."""
        log = self._corpus.log
        encoded = self._model.encode(self._plan.tensor(self._windows.padded(log, examples)))
        start, length = self._windows.start[examples], self._windows.length[examples]
        within = np.arange(length.max(initial=1))
        target_at = np.minimum(start[:, None] + 1 + within, log.interactions - 1)
        listed = np.where(within < length[:, None], self._list_of[target_at], -1)
        row, step = np.nonzero(listed >= 0)
        total = encoded.new_zeros(())
        if len(row):
            target = log.items[target_at[row, step]]
            candidates = np.concatenate(
                (target[:, None], self._negatives[listed[row, step]]), axis=1, dtype=np.int64
            )
            logits = self._model.score_lists(
                encoded,
                self._plan.tensor(row),
                self._plan.tensor(step),
                self._plan.tensor(candidates),
            )
            total = total + list_loss(logits, self._softmax)
        if self._next_item_weight:
            next_item = self._next_item.loss(self._window[examples])
            total = total + self._next_item_weight * next_item
        return total

    def validate(self) -> float:
        """Return NDCG@10 of the SRM's order of the LLM's lists of the calibration steps."""
        if not len(self._calibration):
            return float("nan")
        log, item = self._corpus.log, self._calibration_lists
        logit = list_logits(self._model, log, self._calibration, item, self._plan)
        return ndcg(list_ranks(logit, item, self._calibration.taken(log)), 10)


def beside_the_target(item: NDArray[np.int32], taken: Ints, count: int) -> NDArray[np.int32]:
    """Return the first `count` items of each list that are not the one taken.

    Args:
        item: int32, shape [R, N], N above `count`.
        taken: int64, shape [R].
        count: at most N - 1.

    Returns:
        int32, shape [R, count], in the order of the lists.
    """
    order = np.argsort(item == taken[:, None], axis=1, kind="stable")[:, :count]
    return np.asarray(np.take_along_axis(item, order, axis=1))


def list_ranks(logit: NDArray[np.float32], item: NDArray[np.int32], taken: Ints) -> Ints:
    """Return the 1-based rank of one item in each list by logit, ties by id; 0 for a miss.

    Where it has no number for a logit it comes last, and it comes after all that have none.

    Args:
        logit: float32, shape [R, N].
        item: int32, shape [R, N].
        taken: int64, shape [R].
    """
    is_taken = item == taken[:, None]
    own = np.where(is_taken, logit, -np.inf).max(axis=1, keepdims=True)
    ahead = ~(logit <= own) | ((logit == own) & (item < taken[:, None]))
    rank = np.minimum(1 + ahead.sum(axis=1), item.shape[1])
    return np.where(is_taken.any(axis=1), rank, 0)
