"""The cloud's re-training of the whole SRM on recent behaviour: one model for all devices."""

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from models.adaptation.adapted_world import STEP_SIZE_KEY, AdaptedWorld
from models.adaptation.kept_readings import KeptReadings
from models.adaptation.replay_lists import ReplayLists
from models.adaptation.settings import FromCloudSettings
from models.corpus import Corpus
from models.histories import Pieces
from models.numerics import NumericsPlan, computing
from models.prefixes import Ints
from models.recommender import CausalRecommender, Recommender
from models.replay_contexts import Replay
from models.training.next_item import NextItem
from models.training.trainer import Trainer
from models.weights import TrainingTask
from workloads.progress import SILENT


class NewestWindows(NextItem):
    """Predict the next item in every user's newest training window alone: recent behaviour."""

    def _cut_windows(self) -> Pieces:
        return newest_windows(self._corpus, self._model.positions)

    def validate(self) -> float:
        """Return nan: the last epoch is kept, as nothing later than the training data is known."""
        return float("nan")


def newest_windows(corpus: Corpus, positions: int) -> Pieces:
    """Return the newest `positions` inputs of every user's training part, each with its target."""
    inputs = np.maximum(corpus.split.train_stop - 1, 0)
    length = np.minimum(inputs, positions)
    some = length > 0
    return Pieces((corpus.log.offsets[:-1] + inputs - length)[some], length[some])


class CloudTrainer:
    """Trains on what the cloud knows, from the weights before.

    Args:
        task: how the SRM was trained: its corpus, recipe and seed.
        replay: what is replayed.
        settings: epochs and step size.
    """

    def __init__(self, task: TrainingTask, replay: Replay, settings: FromCloudSettings) -> None:
        self._task = task
        self._replay = replay
        self._recipe = task.recipe.model_copy(
            update={
                # What the logits mean stays, also where lists had taught them another meaning.
                "loss": "binary_cross_entropy" if task.binary_logits else "softmax",
                "max_epochs": settings.epochs,
                "learning_rate": settings.learning_rate,
                "warmup_batches": 0,
            }
        )

    def corpus(self, known_step: Ints) -> Corpus:
        """Return what the cloud knows, given the step before which it knows each replayed user."""
        split = self._task.corpus.split
        users = split.device_users
        stop = split.train_stop.copy()
        stop[users] = np.maximum(stop[users], split.replay_start[users] + known_step)
        return replace(self._task.corpus, split=replace(split, train_stop=stop))

    def flops(self, model: Recommender, corpus: Corpus) -> float:
        """Return the operations of a training: a forward pass a target, and twice that back.

        The context of a target is taken to be half a window; it is compared with the catalogue or
        with the recipe's negatives, as `NextItem` does.
        """
        task = self._task
        targets = int(newest_windows(corpus, corpus.positions).length.sum())
        whole = self._recipe.loss == "softmax" and isinstance(model, CausalRecommender)
        compared = corpus.items if whole else self._recipe.negatives + 1
        of_target = task.architecture.flops_per_step(corpus.positions // 2, compared)
        return 3.0 * self._recipe.max_epochs * targets * of_target

    def train(self, model: Recommender, corpus: Corpus, version: int) -> Recommender:
        """Return a model trained further; the given one stays as it is."""
        task = self._task
        seed = task.seed + version
        with computing(task.plan, seed):
            trained = copy.deepcopy(model).requires_grad_(True)
            objective = NewestWindows(trained, corpus, self._recipe, task.plan, seed)
            Trainer(trained, objective, self._recipe, seed, key=STEP_SIZE_KEY).train(
                "Re-train the SRM", SILENT
            )
        return trained.requires_grad_(False)


class FromCloudWorld(AdaptedWorld):
    """Devices that score with what the cloud has pushed to them, in one simulated world.

    A training is written down when it begins, and computed when its first result is needed.

    Args:
        user: int64, shape [devices]: positions in the split's `device_users`.
        lists: the lists of the outcome tables.
        replay: what is replayed.
        srm: the shipped model.
        trainer: trains it.
        plan: how to compute.
        spend: told the seconds that models ran.
    """

    def __init__(
        self,
        user: Ints,
        lists: ReplayLists,
        replay: Replay,
        srm: Recommender,
        trainer: CloudTrainer,
        plan: NumericsPlan,
        spend: Callable[[float], None],
    ) -> None:
        super().__init__(user, lists, plan, spend)
        self._replay = replay
        self._trainer = trainer
        self._models = [srm]  # all stay: the finished world is asked for every version
        self._readings = KeptReadings(replay, plan)
        self._versions = 0
        self._corpora: dict[int, Corpus] = {}  # of the versions that are not trained yet

    def retrain(self, known_step: NDArray[np.int64]) -> float:
        """Make the next version from what the cloud knows.

        Virtual devices of one user repeat the same interactions. What one has uploaded is another's
        future, so the cloud learns of a user only what all of its devices have uploaded.

        Args:
            known_step: int64, shape [devices]: the cloud knows the interactions before this step.

        Returns:
            Floating-point operations of the training.
        """
        users = len(self._replay.split.device_users)
        known = np.full(users, self._lists.steps, np.int64)
        np.minimum.at(known, self._user, known_step)
        absent = np.ones(users, bool)
        absent[self._user] = False
        known[absent] = -int(self._replay.contexts.max())  # nobody replays it, nobody uploads it
        corpus = self._trainer.corpus(known)
        self._versions += 1
        self._corpora[self._versions] = corpus
        return self._trainer.flops(self._models[0], corpus)

    def model(self, version: int) -> Recommender:
        """Return the model of a version, trained now where it is not there yet."""
        while len(self._models) <= version:
            newest = len(self._models)
            corpus = self._corpora.pop(newest)
            self._models.append(self._trainer.train(self._models[-1], corpus, newest))
        return self._models[version]

    def _logits(self, device: Ints, version: Ints, row: Ints) -> NDArray[np.float32]:
        user = self._user[device]
        position = self._plan.tensor(
            self._replay.contexts[user][:, None] + np.arange(self._lists.steps) - 1
        )
        items = self._plan.tensor(self._lists.items(user, row))
        logits: NDArray[np.float32] = np.zeros((*position.shape, items.shape[1]), np.float32)
        for each in np.unique(version).tolist():
            model = self.model(each)
            encoded = self._readings.of(each, model, user)
            # All of the chunk, so that no result depends on who has which version.
            with torch.no_grad():
                scored = model.score(encoded, position, items).cpu().numpy()
            logits[version == each] = scored[version == each]
        return logits
