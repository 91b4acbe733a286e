from collections.abc import Iterator

import pytest
import torch
from small_log import FIRST_LIST_AGE, HISTORY, Small, pattern_log, tiny_settings

from models.preparation import prepare
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
