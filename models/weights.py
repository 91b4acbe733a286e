"""Weights: trained once, kept in a content-addressed cache, and described by a card."""

import importlib.metadata
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from models.content_cache import ContentCache, Entry
from models.numerics import NumericsPlan, computing
from models.recommender import WEIGHTS_FILE, CausalRecommender, Recommender, RecommenderSettings
from models.training.settings import RecipeSettings
from models.training.trainer import Trainer, TrainingResult
from models.training.validation import calibration_targets
from workloads.interaction_log import InteractionLog
from workloads.progress import Progress
from workloads.splits import Split

RECIPE_VERSION = 1
"""Raised whenever the same settings train other weights than before."""

LIBRARIES = ("numpy", "scipy", "torch", "transformers")
"""Libraries that decide bytes of weights or tables: shuffles, fusion and the models themselves."""


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that compute."""
    return {name: importlib.metadata.version(name) for name in LIBRARIES}


@dataclass(frozen=True)
class ModelCard:
    """What a model is, and what it knows.

    Attributes:
        kind: which architecture.
        parameters: trained numbers.
        non_embedding_parameters: those outside embedding tables.
        weights_bytes: size of the weights' file.
        flops_per_step: floating-point operations to read one more interaction after a full context
            and score items: the candidates for an SRM, the catalogue for an LLM.
        trained_interactions: interactions in the training data.
        trained_users: users that they come from.
        trained_until: ISO date of the latest of them; None where the log has no times.
        features: what it knows of an interaction, in words.
        epochs: epochs until the kept weights.
        calibration_ndcg10: NDCG@10 on the calibration steps (whole catalogue, seen items excluded);
            None where no user has such steps.
        weights_hash: SHA-256 (hex) of the weights' file.
    """

    kind: str
    parameters: int
    non_embedding_parameters: int
    weights_bytes: int
    flops_per_step: float
    trained_interactions: int
    trained_users: int
    trained_until: str | None
    features: str
    epochs: int
    calibration_ndcg10: float | None
    weights_hash: str


@dataclass(frozen=True)
class TrainingTask:
    """One model to be trained: with the library versions, this determines its weights.

    Attributes:
        title: for progress, as "Train the SRM".
        architecture: settings of the model.
        recipe: settings of its training.
        validation_users: users whose calibration steps stop training, at most.
        log: the interactions.
        split: which of them train and which validate.
        history: interactions before a window that the model is given as context.
        seed: of initial weights, batches and dropout.
        plan: how to compute.
    """

    title: str
    architecture: RecommenderSettings
    recipe: RecipeSettings
    validation_users: int
    log: InteractionLog
    split: Split
    history: int
    seed: int
    plan: NumericsPlan

    @property
    def positions(self) -> int:
        """The longest context: the history and the longest window that grows from it."""
        calibration = int((self.split.replay_start - self.split.calibration_start).max(initial=0))
        return self.history + max(self.split.replay_steps, calibration)

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the weights are a function of."""
        return {
            "recipe_version": RECIPE_VERSION,
            "architecture": self.architecture.model_dump(mode="json"),
            "recipe": self.recipe.model_dump(mode="json"),
            "validation_users": self.validation_users,
            "log": self.log.content_hash,
            "split": self.split.content_hash,
            "history": self.history,
            "seed": self.seed,
            "plan": asdict(self.plan),
            "versions": library_versions(),
        }


@dataclass(frozen=True)
class Weights:
    """Trained weights in the cache.

    Attributes:
        task: what they were trained for.
        entry: where they are.
        train_s: seconds of training in this process; 0 where the cache had them.
    """

    task: TrainingTask
    entry: Entry
    train_s: float

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the weights' file."""
        return self.entry.hashes[WEIGHTS_FILE]

    def model(self) -> Recommender:
        """Return the model with these weights, on the plan's device and ready for inference."""
        task = self.task
        with computing(task.plan):
            model = task.architecture.build(len(task.log.catalogue), task.positions)
        model.load(self.entry.directory)
        return model.to(task.plan.device).eval()

    def card(self, scored_items: int) -> ModelCard:
        """Return the model's card; `scored_items` are scored after every interaction."""
        task = self.task
        return ModelCard(
            weights_hash=self.hash,
            weights_bytes=(self.entry.directory / WEIGHTS_FILE).stat().st_size,
            flops_per_step=task.architecture.flops_per_step(task.positions - 1, scored_items),
            features=task.architecture.features,
            trained_interactions=int(task.split.train_stop.sum()),
            trained_users=int((task.split.train_stop > 0).sum()),
            trained_until=_trained_until(task.log, task.split),
            **self.entry.facts,
        )


def obtain(task: TrainingTask, cache_dir: Path, progress: Progress) -> Weights:
    """Return the task's weights from the cache, trained first where the cache lacks them."""
    cache = ContentCache(cache_dir / "weights")
    entry = cache.find(task.identity)
    if entry is not None:
        return Weights(task, entry, 0.0)
    started_s = time.perf_counter()
    entry = cache.add(task.identity, lambda directory: _train(task, directory, progress))
    return Weights(task, entry, time.perf_counter() - started_s)


def train(task: TrainingTask, progress: Progress) -> tuple[CausalRecommender, TrainingResult]:
    """Train the task's model without the cache."""
    with computing(task.plan, task.seed):
        model = task.architecture.build(len(task.log.catalogue), task.positions)
        if not isinstance(model, CausalRecommender):
            raise TypeError(f"{type(model).__name__} cannot be trained by full softmax")
        model.to(task.plan.device)
        validation = calibration_targets(task.split, task.history, task.validation_users)
        trainer = Trainer(
            model, task.log, task.split, validation, task.recipe, task.plan, task.seed
        )
        return model, trainer.train(task.title, progress)


def _train(task: TrainingTask, directory: Path, progress: Progress) -> dict[str, Any]:
    model, result = train(task, progress)
    model.cpu().save(directory)
    parameters, non_embedding = model.parameter_counts()
    ndcg10 = result.validation_ndcg10
    return {
        "kind": task.architecture.model_dump()["kind"],
        "parameters": parameters,
        "non_embedding_parameters": non_embedding,
        "epochs": result.best_epoch,
        "calibration_ndcg10": None if np.isnan(ndcg10) else ndcg10,
    }


def _trained_until(log: InteractionLog, split: Split) -> str | None:
    if log.times_s is None:
        return None
    within = np.arange(log.interactions) - np.repeat(log.offsets[:-1], log.lengths)
    trains = within < np.repeat(split.train_stop, log.lengths)
    latest = float(log.times_s[trains].max(initial=0.0))
    return datetime.fromtimestamp(latest, UTC).date().isoformat()
