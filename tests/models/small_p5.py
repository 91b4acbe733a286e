"""A small P5 and what its tests share."""

import numpy as np
import torch
from small_log import HISTORY, pattern_log

from models.beam_search import BeamSearch
from models.corpus import Corpus
from models.llm.p5 import P5Settings
from models.numerics import NumericsPlan
from models.prefixes import Prefixes
from models.training.settings import LlmRecipeSettings
from models.weights import TrainingTask
from models.whole_word_t5 import WholeWordT5
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings

PLAN = NumericsPlan("cpu", "any", 1)
SETTINGS = P5Settings(
    hidden=32, layers=1, heads=2, feed_forward=64, prompt_items=4, beams=6, validation_lists=60
)


def corpus_of(items: int = 130, users: int = 40) -> Corpus:
    log = pattern_log(users, items)
    steps = WorkloadSettings(replay_steps=4, calibration_steps=2, min_history=4, history=HISTORY)
    return Corpus(log, split(log, steps), HISTORY)


def task_of(corpus: Corpus, settings: P5Settings = SETTINGS, **recipe: object) -> TrainingTask:
    quick = {"max_epochs": 2, "batch_interactions": 64, "learning_rate": 0.01, "warmup_batches": 5}
    return TrainingTask("Train", settings, LlmRecipeSettings(**quick | recipe), corpus, 0, PLAN)


def source(model: WholeWordT5, corpus: Corpus, beams: int = 6, **changes: bool) -> BeamSearch:
    return BeamSearch(
        model, corpus, PLAN, **{"exclude_seen": True, "constrained": True} | changes, beams=beams
    )


def some_prefixes() -> Prefixes:
    """Histories of every length up to the whole context."""
    stop = 1 + np.arange(12) % 8
    return Prefixes(np.arange(12), np.maximum(0, stop - HISTORY), stop)


def exhaustive(model: WholeWordT5, corpus: Corpus, prefixes: Prefixes) -> torch.Tensor:
    """The log-probability of every item's text after each prefix, one by one and without a trie."""
    items = corpus.items
    target, real = model.text.targets(np.arange(items))
    labels = torch.from_numpy(target)
    started = torch.cat((torch.zeros(items, 1, dtype=torch.int64), labels[:, :-1]), dim=1)
    scores = []
    with torch.inference_mode():
        for i in range(len(prefixes)):
            alone = model.text.prompts(corpus.log, prefixes.part(np.array([i])))
            states, mask = model.read(alone)
            logits = model.t5(
                encoder_outputs=(states.expand(items, -1, -1),),
                attention_mask=mask.expand(items, -1),
                decoder_input_ids=started,
            ).logits
            each = logits.log_softmax(-1).gather(2, labels[:, :, None])[:, :, 0]
            scores.append((each * torch.from_numpy(real)).sum(1))
    return torch.stack(scores)
