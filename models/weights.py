"""Weights: trained once, kept in a content-addressed cache, and described by a card."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from models.architecture import Architecture
from models.candidate_source import CandidateSource
from models.corpus import Corpus
from models.numerics import NumericsPlan, computing
from models.recommender import WEIGHTS_FILE
from models.training.objective import Objective
from models.training.settings import RecipeSettings
from models.training.trainer import Trainer, TrainingResult
from workloads.content_cache import ContentCache, Entry
from workloads.interaction_log import InteractionLog
from workloads.library_versions import library_versions as versions_of
from workloads.progress import SILENT, Progress
from workloads.splits import Split

RECIPE_VERSION = 4
"""Raised whenever the same settings train other weights than before."""

LIBRARIES = ("numpy", "scipy", "tokenizers", "torch", "transformers")
"""Libraries that decide bytes of weights or tables: shuffles, fusion, texts and the models."""


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that compute."""
    return versions_of(LIBRARIES)


@dataclass(frozen=True)
class ModelCard:
    """What a model is, and what it knows.

    Attributes:
        kind: which architecture.
        parameters: its numbers; beside low-rank adapters, most of them are not trained.
        non_embedding_parameters: those outside embedding tables.
        weights_bytes: size of the weights' files.
        flops_per_step: floating-point operations to read one more interaction after a full context
            and score items: the candidates for an SRM, the catalogue for an LLM.
        request_flops: floating-point operations of one request for a list, nothing kept.
        prompt_tokens: tokens that such a request reads.
        decode_tokens: tokens that it generates one after the other.
        trained_interactions: interactions in the training data.
        trained_users: users that they come from.
        trained_until: ISO date of the latest of them; None where the log has no times.
        knowledge: how much of the training data it learnt from, in words.
        features: what it knows of an interaction, in words.
        learning_rate: step size of its training.
        epochs: epochs until the kept weights.
        calibration_ndcg10: NDCG@10 on the calibration steps, seen items excluded: in the whole
            catalogue, or for an SRM trained on the LLM's lists in these; None where no user has
            such steps.
        weights_hash: SHA-256 (hex) of the weights.
    """

    kind: str
    parameters: int
    non_embedding_parameters: int
    weights_bytes: int
    flops_per_step: float
    request_flops: float
    prompt_tokens: float
    decode_tokens: float
    trained_interactions: int
    trained_users: int
    trained_until: str | None
    knowledge: str
    features: str
    learning_rate: float | None
    epochs: int
    calibration_ndcg10: float | None
    weights_hash: str


@dataclass(frozen=True)
class TrainingTask:
    """One model to be trained: with the library versions, this determines its weights on a CPU.

    Attributes:
        title: for progress, as "Train the SRM".
        architecture: settings of the model.
        recipe: settings of its training; it names a step size.
        corpus: what it learns from.
        seed: of initial weights, batches, negatives and dropout.
        plan: how to compute.
    """

    title: str
    architecture: Architecture
    recipe: RecipeSettings
    corpus: Corpus
    seed: int
    plan: NumericsPlan

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that the weights are a function of."""
        return {
            "recipe_version": RECIPE_VERSION,
            "architecture": self.architecture.identity(),
            "recipe": self.recipe.model_dump(mode="json"),
            "log": self.corpus.log.content_hash,
            "split": self.corpus.split.content_hash,
            "history": self.corpus.history,
            "seed": self.seed,
            "plan": asdict(self.plan),
            "versions": library_versions(),
        }

    @property
    def binary_logits(self) -> bool:
        """Whether a logit becomes the log-odds of a click; else only differences mean anything."""
        return self.recipe.loss == "binary_cross_entropy"

    @property
    def starts_trained(self) -> bool:
        """Whether the first weights are worth keeping where training makes them no better."""
        return False

    def initial_model(self) -> Any:
        """Return the model that training starts from, weights from torch's random state."""
        return self.architecture.build(self.corpus)

    def objective(self, model: Any, progress: Progress = SILENT) -> Objective:
        """Return what training minimises and stops by.

        Args:
            model: to be trained.
            progress: told of what has to be made ready first.
        """
        del progress  # nothing that takes long
        return self.architecture.objective(model, self.corpus, self.recipe, self.plan, self.seed)


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
    def files(self) -> list[Path]:
        """The files of weights: one, and where a model keeps some beside it, those too."""
        return sorted(self.entry.directory.glob("*.safetensors"))

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the file of weights, or over the names and hashes of several."""
        hashes = {path.name: self.entry.hashes[path.name] for path in self.files}
        if len(hashes) == 1:
            return hashes[WEIGHTS_FILE]
        return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()

    @property
    def binary_logits(self) -> bool:
        """Whether a logit is the log-odds of a click; else only differences mean anything."""
        return self.task.binary_logits

    def model(self) -> Any:
        """Return the model with these weights, on the plan's device and ready for inference."""
        task = self.task
        with computing(task.plan):
            model = task.architecture.build(task.corpus)
        model.load(self.entry.directory)
        return model.to(task.plan.device).eval()

    def source(self, exclude_seen: bool, plan: NumericsPlan | None = None) -> CandidateSource:
        """Return the model as a source of candidate lists, computed as trained or under `plan`."""
        task = self.task
        return task.architecture.candidate_source(
            self.model(), task.corpus, plan or task.plan, exclude_seen
        )

    def card(self, candidates: int, scored_items: int) -> ModelCard:
        """Return the model's card.

        Args:
            candidates: items in a list.
            scored_items: items scored after every interaction.
        """
        task, corpus = self.task, self.task.corpus
        cost = task.architecture.request_cost(corpus, candidates)
        return ModelCard(
            weights_hash=self.hash,
            weights_bytes=sum(path.stat().st_size for path in self.files),
            flops_per_step=task.architecture.flops_per_step(corpus.positions - 1, scored_items),
            request_flops=cost.flops,
            prompt_tokens=cost.prompt_tokens,
            decode_tokens=cost.decode_tokens,
            knowledge=task.architecture.knowledge,
            features=task.architecture.features,
            learning_rate=task.recipe.learning_rate,
            trained_interactions=int(corpus.split.train_stop.sum()),
            trained_users=int((corpus.split.train_stop > 0).sum()),
            trained_until=_trained_until(corpus.log, corpus.split),
            **self.entry.facts,
        )


def obtain(task: TrainingTask, cache_dir: Path, progress: Progress) -> Weights:
    """Return the task's weights from the cache, trained first where the cache lacks them."""
    cache = ContentCache(cache_dir / "weights")
    entry = cache.find(task.identity)
    if entry is not None:
        return Weights(task, entry, 0.0)
    started_s = time.perf_counter()
    entry = cache.add(task.identity, partial(_train, task, cache_dir, progress))
    return Weights(task, entry, time.perf_counter() - started_s)


def train(
    task: TrainingTask, progress: Progress, cache_dir: Path | None = None
) -> tuple[Any, TrainingResult]:
    """Train the task's model without the cache of weights; of texts, where one is given."""
    with computing(task.plan, task.seed):
        model = task.initial_model().to(task.plan.device)
        task.architecture.make_ready(model, task.corpus, task.plan, cache_dir, progress)
        objective = task.objective(model, progress)
        trainer = Trainer(model, objective, task.recipe, task.seed, task.starts_trained)
        return model, trainer.train(task.title, progress)


def _train(
    task: TrainingTask, cache_dir: Path, progress: Progress, directory: Path
) -> dict[str, Any]:
    model, result = train(task, progress, cache_dir)
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
