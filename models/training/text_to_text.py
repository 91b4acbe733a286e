"""Write the next item's id after a prompt that holds the history: the training of P5."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from models.beam_search import BeamSearch
from models.corpus import Corpus
from models.errors import ModelError
from models.prefixes import Prefixes, calibration_prefixes
from models.training.objective import Objective
from models.training.settings import RecipeSettings
from models.training.validation import ndcg
from models.whole_word_t5 import WholeWordT5


class TextToText(Objective):
    """The tokens of the next item at every training position, by cross-entropy (Geng et al. 2022).

    One example is one position: a prompt, and the item that follows. An epoch trains on so many
    examples at most; the next epoch goes on where it stopped, through all positions in one random
    order, before any comes a second time.

    Args:
        model: to be trained.
        corpus: what it learns from.
        recipe: settings of the training.
        seed: of the order of the examples.
        examples_per_epoch: examples of an epoch, at most.
        validation: generates the lists that early stopping goes by.
        validation_lists: calibration prefixes (evenly spaced) in a validation, at most.

    Raises:
        ModelError: the recipe asks for another loss.
    """

    def __init__(
        self,
        model: WholeWordT5,
        corpus: Corpus,
        recipe: RecipeSettings,
        seed: int,
        examples_per_epoch: int,
        validation: BeamSearch,
        validation_lists: int,
    ) -> None:
        if recipe.loss != "softmax":
            raise ModelError(
                f"p5 writes the next item's id and cannot be trained by {recipe.loss}; "
                "accepted: softmax",
                key="models.training.llm.loss",
            )
        self._model = model
        self._log = corpus.log
        self._positions = example_prefixes(corpus)
        self._order = np.random.Generator(np.random.Philox([seed, 1])).permutation(
            len(self._positions)
        )
        self._next = 0
        self.targets = np.ones(min(examples_per_epoch, len(self._positions)), np.int64)
        self._validation = validation
        calibration = calibration_prefixes(corpus.split, corpus.history, recipe.validation_users)
        spaced = np.linspace(0, len(calibration) - 1, min(validation_lists, len(calibration)))
        self._calibration = calibration.part(spaced.astype(np.int64))

    def loss(self, examples: NDArray[np.int64]) -> Tensor:
        """Return the mean loss over all tokens of the examples' targets."""
        which = self._order[(self._next + examples) % len(self._order)]
        prefixes = self._positions.part(which)
        text = self._model.text
        target, real = text.targets(prefixes.taken(self._log))
        return self._model.loss(text.prompts(self._log, prefixes), target, real)

    def validate(self) -> float:
        """Return NDCG@10 of the beams on the calibration steps, unseen items only; end an epoch."""
        self._next += len(self.targets)
        if not len(self._calibration):
            return float("nan")
        self._validation.forget()
        taken = self._calibration.taken(self._log)
        return ndcg(self._validation.ranks(self._calibration, taken), 10)


def example_prefixes(corpus: Corpus) -> Prefixes:
    """Return what comes before every training interaction but the users' first."""
    inputs = np.maximum(corpus.split.train_stop - 1, 0)
    user = np.repeat(np.arange(corpus.log.users), inputs)
    stop = 1 + np.arange(len(user)) - np.repeat(np.cumsum(inputs) - inputs, inputs)
    return Prefixes(user, np.maximum(0, stop - corpus.history), stop)
