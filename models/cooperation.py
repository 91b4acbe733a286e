"""Cooperative training: the LLM's lists for training prefixes become the SRM's training lists."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.corpus import Corpus
from models.errors import ModelError
from models.prefixes import Prefixes, calibration_prefixes
from models.recommender import Recommender
from models.settings import CandidateSettings
from models.training.candidate_lists import ListRanking, beside_the_target
from models.training.objective import Objective
from models.training.settings import Cooperative
from models.training_lists import (
    FILLERS_VERSION,
    ListTask,
    StoredLists,
    obtain_lists,
    training_prefixes,
    uniform_fillers,
)
from models.weights import TrainingTask, Weights, obtain
from workloads import draws
from workloads.progress import SILENT, Progress
from workloads.splits import Split

FOLDS = 2


@dataclass(frozen=True)
class CooperativeTask(TrainingTask):
    """An SRM to be trained on candidate lists.

    Attributes:
        strategy: which lists count, and their loss.
        lists: the LLM's lists for training prefixes, one store for each fold of users.
        calibration: its lists for calibration steps.
        start: the weights to start from; None starts from new ones.
    """

    strategy: Cooperative
    lists: tuple[StoredLists, ...]
    calibration: StoredLists
    start: Weights | None

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the weights are a function of."""
        filled = any(lists.count < self.strategy.list_size for lists in self.lists)
        return {
            **super().identity,
            **({"fillers_version": FILLERS_VERSION} if filled else {}),
            "strategy": self.strategy.model_dump(mode="json"),
            "lists": [lists.content_hash for lists in self.lists],
            "calibration_lists": self.calibration.content_hash,
            "start": self.start and self.start.hash,
        }

    @property
    def binary_logits(self) -> bool:
        """Whether the lists train a logit to be the log-odds of a click."""
        return self.strategy.loss == "binary_cross_entropy"

    @property
    def starts_trained(self) -> bool:
        """Whether training starts from weights whose logits mean what they will mean."""
        return self.start is not None and self.start.binary_logits == self.binary_logits

    def initial_model(self) -> Any:
        """Return the model that training starts from."""
        model = super().initial_model()
        if self.start is not None:
            model.load(self.start.entry.directory)
        return model

    def objective(self, model: Any, progress: Progress = SILENT) -> Objective:
        """Return what training minimises and stops by."""
        assert isinstance(model, Recommender)
        parts = [self._negatives(lists, progress) for lists in self.lists]
        return ListRanking(
            model,
            self.corpus,
            self.recipe,
            self.plan,
            self.seed,
            self.strategy,
            joined([lists.prefixes for lists in self.lists]),
            np.concatenate([negatives for negatives, _ in parts]),
            np.concatenate([proposed for _, proposed in parts]),
            self.calibration.prefixes,
            self.calibration.item,
        )

    def _negatives(
        self, lists: StoredLists, progress: Progress
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return what stands beside each target, and whether the LLM proposed the target."""
        item, prefixes, log = lists.item, lists.prefixes, self.corpus.log
        taken = prefixes.taken(log)
        proposed = (item == taken[:, None]).any(axis=1)
        if missing := self.strategy.list_size - lists.count:
            fillers = uniform_fillers(log, prefixes, item, missing, self.seed, progress)
            item = np.concatenate((item, fillers), axis=1)
        return beside_the_target(item, taken, self.strategy.list_size - 1), proposed


def joined(prefixes: list[Prefixes]) -> Prefixes:
    """Return all prefixes, one after the other."""
    return Prefixes(
        *(
            np.concatenate([getattr(each, name) for each in prefixes])
            for name in ("user", "start", "stop")
        )
    )


def fold_of_users(users: int, seed: int) -> NDArray[np.int64]:
    """Deal the users into two folds of equal size, give or take one: int64 [users], 0 or 1."""
    order = np.argsort(draws.uniform(seed, "cooperative folds", 0, users), kind="stable")
    fold = np.empty(users, np.int64)
    fold[order] = np.arange(users) % FOLDS
    return fold


def without_users(split: Split, left_out: NDArray[np.bool_]) -> Split:
    """Return a split of which some users neither train nor stop training early.

    Args:
        split: the whole.
        left_out: bool, shape [users].
    """
    return replace(
        split,
        train_stop=np.where(left_out, 0, split.train_stop),
        device_users=split.device_users[~left_out[split.device_users]],
    )


def refuse_long_lists(corpus: Corpus, strategy: Cooperative, exclude_seen: bool) -> None:
    """Refuse lists that could not be filled for every training prefix.

    Raises:
        ModelError: more items than the catalogue has beyond the longest prefix.
    """
    items, longest = corpus.items, max(0, int(corpus.split.train_stop.max(initial=0)) - 1)
    most = items - longest if exclude_seen else items
    if strategy.list_size > most:
        raise ModelError(
            f"training lists of {strategy.list_size} do not fit: the catalogue of "
            f"{corpus.log.name} has {items} items"
            + (f", and the longest training prefix {longest}" if exclude_seen else "")
            + f"; accepted: {strategy.candidates + 1} to {max(most, 0)}",
            key="models.training.strategy.list_size",
        )


def cooperative_task(
    srm: TrainingTask,
    llm: Weights,
    strategy: Cooperative,
    candidates: CandidateSettings,
    cache_dir: Path,
    progress: Progress,
) -> tuple[CooperativeTask, float]:
    """Return the SRM's cooperative training, all that it needs obtained, and seconds this took.

    Args:
        srm: its independent training.
        llm: the LLM that will propose lists.
        strategy: how they cooperate.
        candidates: the lists that the SRM will re-rank.
        cache_dir: holds `weights/` and `lists/`.
        progress: told of training and generation.
    """
    corpus = srm.corpus
    prefixes = training_prefixes(
        corpus.log,
        corpus.split.train_stop,
        corpus.history,
        corpus.positions - corpus.history,
        strategy.positions_per_user,
    )
    spent_s = 0.0
    lists = []
    for proposer, own in _proposers(srm, llm, strategy, prefixes, cache_dir, progress):
        task = ListTask(
            proposer, own, _length(llm, corpus, strategy), candidates.exclude_seen, llm.task.plan
        )
        lists.append(obtain_lists(task, "List candidates for training", cache_dir, progress))
        spent_s += lists[-1].generate_s + (proposer.train_s if proposer is not llm else 0.0)
    steps = calibration_prefixes(corpus.split, corpus.history, srm.recipe.validation_users)
    task = ListTask(llm, steps, candidates.count, candidates.exclude_seen, llm.task.plan)
    calibration = obtain_lists(task, "List candidates for calibration", cache_dir, progress)
    spent_s += calibration.generate_s
    start = None
    if strategy.start == "independent":
        start = obtain(srm, cache_dir, progress)
        spent_s += start.train_s
    cooperative = CooperativeTask(
        title="Train the SRM on the LLM's lists",
        architecture=srm.architecture,
        recipe=srm.recipe,
        corpus=corpus,
        seed=srm.seed,
        plan=srm.plan,
        strategy=strategy,
        lists=tuple(lists),
        calibration=calibration,
        start=start,
    )
    return cooperative, spent_s


def _length(llm: Weights, corpus: Corpus, strategy: Cooperative) -> int:
    """Return how many items the LLM is asked for: a whole list where one pass gives any number."""
    cost = llm.task.architecture.request_cost(corpus, strategy.candidates)
    return strategy.candidates if cost.decode_tokens else strategy.list_size


def _proposers(
    srm: TrainingTask,
    llm: Weights,
    strategy: Cooperative,
    prefixes: Prefixes,
    cache_dir: Path,
    progress: Progress,
) -> list[tuple[Weights, Prefixes]]:
    """Return the LLMs that propose, each with the prefixes that it continues."""
    if strategy.lists == "in_sample":
        return [(llm, prefixes)]
    task = llm.task
    fold = fold_of_users(srm.corpus.log.users, srm.seed)
    proposers = []
    for own in range(FOLDS):
        others = replace(
            task,
            title=f"Train the LLM without fold {own + 1} of {FOLDS}",
            corpus=replace(task.corpus, split=without_users(task.corpus.split, fold == own)),
        )
        mine = np.flatnonzero(fold[prefixes.user] == own)
        proposers.append((obtain(others, cache_dir, progress), prefixes.part(mine)))
    return proposers
