"""Predict the next item of every position of the training part: the independent training."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.candidate_source import CatalogueScan
from models.corpus import Corpus
from models.histories import Pieces
from models.numerics import NumericsPlan
from models.prefixes import calibration_prefixes
from models.recommender import CausalRecommender, Recommender
from models.training.full_softmax import full_softmax_loss
from models.training.objective import Objective
from models.training.settings import RecipeSettings
from models.training.validation import ndcg
from models.training.windows import training_windows


class NextItem(Objective):
    """The next item after every position, against the catalogue or against sampled negatives.

    A causal model trained by softmax is compared with the whole catalogue. Binary cross-entropy,
    and a model that scores pairs, take `recipe.negatives` items drawn uniformly for each window and
    shared by its targets.
    """

    def __init__(
        self,
        model: Recommender,
        corpus: Corpus,
        recipe: RecipeSettings,
        plan: NumericsPlan,
        seed: int,
    ) -> None:
        self._model = model
        self._corpus = corpus
        self._recipe = recipe
        self._plan = plan
        self._windows = self._cut_windows()
        self.targets = self._windows.length
        self._negatives = np.random.Generator(np.random.Philox([seed, 1]))
        self._calibration = calibration_prefixes(
            corpus.split, corpus.history, recipe.validation_users
        )

    def _cut_windows(self) -> Pieces:
        """Return what the model reads: all of the training part."""
        corpus = self._corpus
        return training_windows(corpus.log, corpus.split.train_stop, self._model.positions)

    def loss(self, examples: NDArray[np.int64]) -> Tensor:
        """Return the mean loss over the positions of some windows."""
        following = Pieces(self._windows.start + 1, self._windows.length)
        inputs = self._plan.tensor(self._windows.padded(self._corpus.log, examples))
        targets = self._plan.tensor(following.padded(self._corpus.log, examples))
        encoded = self._model.encode(inputs)
        softmax = self._recipe.loss == "softmax"
        if softmax and isinstance(self._model, CausalRecommender):
            row, step = (targets < self._model.items).nonzero(as_tuple=True)
            states = self._model.states(encoded[row, step])
            return self.catalogue_loss(states, targets[row, step])
        return list_loss(self._lists(encoded, targets), softmax)

    def catalogue_loss(self, states: Tensor, targets: Tensor) -> Tensor:
        """Return the mean softmax loss of targets [n] after states [n, d] in the catalogue."""
        assert isinstance(self._model, CausalRecommender)
        return full_softmax_loss(states, self._model.item_vectors(), targets)

    def _lists(self, encoded: Tensor, targets: Tensor) -> Tensor:
        """Return the logits of each target and of its window's negatives: [targets, 1 + N].

        A window's targets and negatives are scored after all its steps at once, which computes too
        much, but lets a model that scores pairs read each (interaction, item) pair only once.
        """
        items = self._model.items
        windows, length = targets.shape
        negatives = self._negatives.integers(items, size=(windows, self._recipe.negatives))
        candidates = torch.cat((targets.clamp(max=items - 1), self._plan.tensor(negatives)), dim=1)
        steps = torch.arange(length, device=targets.device).expand(windows, length)
        logits = self._model.score(encoded, steps, candidates)
        target = logits[:, :, :length].diagonal(dim1=1, dim2=2)
        lists = torch.cat((target[:, :, None], logits[:, :, length:]), dim=2)
        return lists[targets < items]

    def validate(self) -> float:
        """Return NDCG@10 in the unseen catalogue on the calibration steps."""
        if not len(self._calibration):
            return float("nan")
        scan = CatalogueScan(self._model, self._corpus.log, self._plan, exclude_seen=True)
        taken = self._calibration.taken(self._corpus.log)
        return ndcg(scan.ranks(self._calibration, taken), 10)


def list_loss(logits: Tensor, softmax: bool) -> Tensor:
    """Return the mean loss of lists whose first item is the target.

    Softmax: -log softmax(logits)[0] of each list. Otherwise the binary cross-entropy of all items
    of all lists, label 1 for the target and 0 for the others.

    Args:
        logits: float, shape [R, N].
        softmax: which of the two.
    """
    if softmax:
        return functional.cross_entropy(logits, torch.zeros_like(logits[:, 0], dtype=torch.int64))
    labels = torch.zeros_like(logits)
    labels[:, 0] = 1.0
    return functional.binary_cross_entropy_with_logits(logits, labels)
