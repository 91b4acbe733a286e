"""A small SRM trained on the lists of a small LLM, and what its tests share."""

from pathlib import Path

from small_log import FIRST_LIST_AGE, HISTORY, Small, tiny_settings

from models.cooperation import CooperativeTask
from models.preparation import PreparedModels, prepare
from models.settings import ModelSettings

RECIPE = {"max_epochs": 3, "learning_rate": 0.01, "batch_interactions": 64, "warmup_batches": 5}


def cooperative(**changes: object) -> ModelSettings:
    strategy = {"kind": "cooperative", "candidates": 5, "list_size": 12, **changes}
    return tiny_settings(training={"strategy": strategy, "srm": RECIPE, "llm": RECIPE})


def prepared_with(small: Small, cache_dir: Path, settings: ModelSettings) -> PreparedModels:
    return prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, settings, cache_dir)


def task_of(models: PreparedModels) -> CooperativeTask:
    assert isinstance(models.srm.task, CooperativeTask)
    return models.srm.task
