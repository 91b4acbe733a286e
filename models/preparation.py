"""Everything that a run needs of the models, from the caches or computed once."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from models.cooperation import cooperative_task, refuse_long_lists
from models.corpus import Corpus
from models.errors import ModelError
from models.knowledge_cutoff import known_split
from models.numerics import NumericsPlan, plan_of
from models.outcomes import Outcomes, OutcomeShape, OutcomeWriter
from models.quantisation import as_held
from models.quantisation import check as check_quantisation
from models.replay_contexts import Replay
from models.settings import ModelSettings
from models.training.settings import Cooperative
from models.weights import ModelCard, TrainingTask, Weights, library_versions, obtain
from workloads.content_cache import ContentCache, Entry
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT, Progress
from workloads.splits import Split

STORE_VERSION = 6
"""Raised whenever the same weights and settings give other tables than before."""


@dataclass(frozen=True)
class PreparedModels:
    """What a run needs of the models.

    Attributes:
        outcomes: the outcome tables.
        srm_card: what the SRM is and knows.
        llm_card: what the LLM is and knows.
        cached: no model ran.
        train_s: seconds of training in this process, generation of training lists included.
        infer_s: seconds of building tables in this process.
        store_hash: SHA-256 (hex) over the tables' contents.
        learned_weight: the SRM's weight in the learned fusion.
        invalid_share: candidates that the LLM wrote and that are no items, as a share of the lists'
            places; 0 where it can propose nothing else.
        replay: what is replayed, and what the models are given.
        srm: the SRM's weights, on disk: `srm.model()` loads them.
        llm: the LLM's weights, on disk.
    """

    outcomes: Outcomes
    srm_card: ModelCard
    llm_card: ModelCard
    cached: bool
    train_s: float
    infer_s: float
    store_hash: str
    learned_weight: float
    invalid_share: float
    replay: Replay
    srm: Weights
    llm: Weights


def prepare(
    log: InteractionLog,
    split: Split,
    history: int,
    first_list_age_steps: int,
    settings: ModelSettings,
    cache_dir: Path,
    progress: Progress = SILENT,
) -> PreparedModels:
    """Return outcome tables and model cards; train models and build tables that the cache lacks.

    Args:
        log: the interactions.
        split: which train, calibrate and are replayed.
        history: interactions before the replay window that the models are given as context.
        first_list_age_steps: interactions that the preloaded list's basis lacks of H_0.
        settings: the models.
        cache_dir: holds `weights/`, `lists/`, `texts/` and `outcomes/`.
        progress: told of training and building.

    Raises:
        ModelError: the lists cannot have that many items, the preloaded list cannot be that old,
            or the device is not there.
    """
    plan = plan_of(settings.device, settings.threads, settings.precision)
    replay = Replay(log, split, history, first_list_age_steps, settings.candidates)
    _refuse_long_lists(replay)
    _refuse_old_first_lists(replay)
    check_quantisation(settings.quantisation, plan)
    tasks = training_tasks(log, split, history, settings)
    for task in tasks:
        task.architecture.check(task.corpus)
    srm, llm, train_s = _trained(*tasks, settings, cache_dir, progress)
    srm = as_held(srm, settings.quantisation)
    started_s = time.perf_counter()
    entry, built = _store(replay, srm, llm, plan, cache_dir, progress)
    return PreparedModels(
        outcomes=Outcomes(entry.directory, OutcomeShape(**entry.facts["shape"])),
        srm_card=srm.card(settings.candidates.count, settings.candidates.count),
        llm_card=llm.card(settings.candidates.count, len(log.catalogue)),
        cached=not built and train_s == 0,
        train_s=train_s,
        infer_s=time.perf_counter() - started_s if built else 0.0,
        store_hash=entry.content_hash,
        learned_weight=entry.facts["learned_weight"],
        invalid_share=entry.facts["invalid_share"],
        replay=replay,
        srm=srm,
        llm=llm,
    )


def training_tasks(
    log: InteractionLog, split: Split, history: int, settings: ModelSettings
) -> tuple[TrainingTask, TrainingTask]:
    """Return the training of the SRM and that of the LLM, which may know less of the log.

    Raises:
        ModelError: the LLM's knowledge cut-off fits no log without times, or leaves nothing.
    """
    srm = settings.training.srm.with_step_size(settings.srm.learning_rate)
    llm = settings.training.llm.with_step_size(settings.llm.learning_rate)
    corpus = Corpus(log, split, history)
    known = replace(corpus, split=known_split(log, split, settings.llm.trained_until))
    plan = plan_of(settings.device, settings.threads)
    return (
        TrainingTask("Train the SRM", settings.srm, srm, corpus, settings.seed, plan),
        TrainingTask("Train the LLM", settings.llm, llm, known, settings.seed, plan),
    )


def _trained(
    srm_task: TrainingTask,
    llm_task: TrainingTask,
    settings: ModelSettings,
    cache_dir: Path,
    progress: Progress,
) -> tuple[Weights, Weights, float]:
    """Return the weights of the SRM and of the LLM, and seconds of training in this process."""
    strategy, spent_s = settings.training.strategy, 0.0
    if isinstance(strategy, Cooperative):
        refuse_long_lists(srm_task.corpus, strategy, settings.candidates.exclude_seen)
    llm = obtain(llm_task, cache_dir, progress)
    if isinstance(strategy, Cooperative):
        srm_task, spent_s = cooperative_task(
            srm_task, llm, strategy, settings.candidates, cache_dir, progress
        )
    srm = obtain(srm_task, cache_dir, progress)
    return srm, llm, llm.train_s + spent_s + srm.train_s


def _refuse_long_lists(replay: Replay) -> None:
    """Refuse lists that could not be filled for every user at every step.

    Raises:
        ModelError: more candidates than the catalogue has beyond the longest history.
    """
    items, count = len(replay.log.catalogue), replay.candidates.count
    users, most = replay.split.device_users, items
    if replay.candidates.exclude_seen:
        most -= int(replay.split.replay_start[users].max()) + replay.steps - 1
    if count > most:
        raise ModelError(
            f"{count} candidates do not fit: the catalogue of {replay.log.name} has {items} items"
            + (", less those that the user with the longest history has seen" * (most < items))
            + f"; accepted: 1 to {max(most, 0)}",
            key="models.candidates.count",
        )


def _refuse_old_first_lists(replay: Replay) -> None:
    """Refuse a preloaded list that some user's context is too short to generate.

    Raises:
        ModelError: a context has no interaction left without those that the list lacks.
    """
    shortest = int(replay.contexts.min())
    if replay.first_list_age_steps >= shortest:
        raise ModelError(
            f"a preloaded list that lacks {replay.first_list_age_steps} interactions cannot be "
            f"generated: the shortest context of a replayed user of {replay.log.name} has "
            f"{shortest}; accepted: 0 to {shortest - 1}",
            key="serving.first_list_age_steps",
        )


def _store(
    replay: Replay,
    srm: Weights,
    llm: Weights,
    plan: NumericsPlan,
    cache_dir: Path,
    progress: Progress,
) -> tuple[Entry, bool]:
    """Return the store, and whether it had to be built."""
    cache = ContentCache(cache_dir / "outcomes")
    identity = {
        "store_version": STORE_VERSION,
        "log": replay.log.content_hash,
        "split": replay.split.content_hash,
        "history": replay.history,
        "first_list_age_steps": replay.first_list_age_steps,
        "candidates": replay.candidates.model_dump(mode="json"),
        "srm": [srm.task.architecture.identity(), srm.binary_logits, srm.hash],
        "llm": [llm.task.architecture.list_identity(), llm.hash],
        "plan": asdict(plan),
        "versions": library_versions(),
    }
    entry = cache.find(identity)
    if entry is not None:
        return entry, False

    def build(directory: Path) -> dict[str, Any]:
        # Here, because only a store that has to be built needs them.
        from models.outcome_builder import OutcomeBuilder

        shape = OutcomeShape(len(replay.split.device_users), replay.steps, replay.candidates.count)
        writer = OutcomeWriter(directory, shape)
        source = llm.source(replay.candidates.exclude_seen, plan)
        srm_model, binary = srm.model(), srm.binary_logits
        builder = OutcomeBuilder(replay, srm_model, binary, source, plan)
        builder.build(writer, progress)
        writer.close()
        return {
            "shape": asdict(shape),
            "learned_weight": builder.learned_weight,
            "invalid_share": builder.invalid_share,
        }

    return cache.add(identity, build), True
