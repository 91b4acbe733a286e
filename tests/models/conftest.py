from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from small_cooperation import cooperative, prepared_with
from small_log import FIRST_LIST_AGE, HISTORY, Small, pattern_log, tiny_settings
from small_p5 import corpus_of, task_of

from models.corpus import Corpus
from models.preparation import PreparedModels, prepare
from models.weights import Weights, obtain
from models.whole_word_t5 import WholeWordT5
from workloads.progress import SILENT
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny models gain nothing from threads, and a busy machine makes them wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    log = pattern_log()
    parts = split(
        log, WorkloadSettings(replay_steps=4, calibration_steps=2, min_history=4, history=HISTORY)
    )
    settings = tiny_settings()
    cache_dir = tmp_path_factory.mktemp("cache")
    prepared = prepare(log, parts, HISTORY, FIRST_LIST_AGE, settings, cache_dir)
    return Small(log, parts, settings, prepared, cache_dir)


@pytest.fixture(scope="session")
def cooperation_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cooperation")


@pytest.fixture(scope="session")
def cooperated(small: Small, cooperation_cache: Path) -> PreparedModels:
    return prepared_with(small, cooperation_cache, cooperative())


@pytest.fixture(scope="session")
def p5_corpus() -> Corpus:
    return corpus_of()


@pytest.fixture(scope="session")
def p5_weights(p5_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    task = task_of(p5_corpus, max_epochs=15, patience=15)
    return obtain(task, tmp_path_factory.mktemp("cache"), SILENT)


@pytest.fixture(scope="session")
def p5_model(p5_weights: Weights) -> WholeWordT5:
    return p5_weights.model()
