"""A small log with a pattern that both models can learn, and settings for models of its size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.preparation import PreparedModels, training_tasks
from models.settings import ModelSettings
from models.weights import obtain
from workloads.interaction_log import Catalogue, InteractionLog
from workloads.progress import SILENT
from workloads.splits import Split

ITEMS = 40
HISTORY = 6
FIRST_LIST_AGE = 2


def log_of(histories: list[list[int]], items: int, name: str = "tiny") -> InteractionLog:
    keys = tuple(f"item {i}" for i in range(items))
    offsets = np.concatenate(([0], np.cumsum([len(h) for h in histories]))).astype(np.int64)
    return InteractionLog(
        name=name,
        user_keys=tuple(f"user {u}" for u in range(len(histories))),
        offsets=offsets,
        items=np.array([item for history in histories for item in history], np.int32),
        times_s=None,
        catalogue=Catalogue(keys, keys, ((),) * items),
    )


def pattern_log(users: int = 120, items: int = ITEMS, seed: int = 3) -> InteractionLog:
    """Users who mostly take the item after the last one, and never an item twice."""
    random = np.random.default_rng(seed)
    histories = []
    for length in random.integers(9, 19, users):
        history = [int(random.integers(items))]
        while len(history) < length:
            following = (history[-1] + 1) % items
            if following in history or random.random() < 0.2:
                following = int(random.choice(np.setdiff1d(np.arange(items), history)))
            history.append(following)
        histories.append(history)
    return log_of(histories, items)


def tiny_settings(**changes: object) -> ModelSettings:
    recipe = {
        "max_epochs": 12,
        "learning_rate": 0.01,
        "batch_interactions": 64,
        "warmup_batches": 5,
        "validation_users": 50,
    }
    return ModelSettings.model_validate(
        {
            "srm": {"hidden": 16, "layers": 2, "dropout": 0.1},
            "llm": {"hidden": 16, "layers": 2, "heads": 2, "intermediate": 32, "dropout": 0.1},
            "training": {"srm": recipe, "llm": recipe},
            "candidates": {"count": 8},
            "threads": 1,
            **changes,
        }
    )


@dataclass(frozen=True)
class Small:
    """A small log with both models trained on it and their outcome tables."""

    log: InteractionLog
    split: Split
    settings: ModelSettings
    prepared: PreparedModels
    cache_dir: Path

    def models(self) -> list[torch.nn.Module]:
        tasks = training_tasks(self.log, self.split, HISTORY, self.settings)
        return [obtain(task, self.cache_dir, SILENT).model() for task in tasks]

    def store(self) -> Path:
        """Where the tables are."""
        directory: Path = self.prepared.outcomes.__reduce__()[1][0]
        return directory
