"""What a run does beside simulating where the cache has everything: next to nothing, counted."""

import json
import os
import subprocess
import sys

import pytest
from tiny_scenario import TINY

from experiment.preparation import prepare
from experiment.scenario import from_mapping
from models.weights import Weights
from workloads import content_cache, datasets
from workloads.progress import SILENT

NEEDED_FOR_LITTLE = ("sklearn", "transformers", "scipy.stats", "ray", "peft")


@pytest.fixture
def scenario():
    return from_mapping(TINY, "tiny.yaml").scenario


def test_nothing_is_generated_loaded_or_hashed_again(scenario, directories, monkeypatch):
    monkeypatch.setattr(content_cache, "SETTLED_NS", 0)
    first = prepare(scenario, directories, SILENT)

    def refuse(*arguments, **_):
        raise AssertionError(arguments)

    for module, name in (
        (datasets, "generate"),
        (datasets, "read"),
        (Weights, "model"),
        (content_cache, "file_hash"),
    ):
        monkeypatch.setattr(module, name, refuse)
    second = prepare(scenario, directories, SILENT)
    assert second.models.cached
    assert second.models.store_hash == first.models.store_hash
    assert second.log.content_hash == first.log.content_hash


def test_a_run_loads_no_library_that_it_does_not_need(scenario, directories, tmp_path):
    prepare(scenario, directories, SILENT)
    (tmp_path / "tiny.yaml").write_text(json.dumps(TINY))
    program = (
        "import sys; from experiment.command import main;"
        "assert main(['tiny.yaml', '--out', 'run', '--quiet']) == 0;"
        f"loaded = [each for each in {NEEDED_FOR_LITTLE} if each in sys.modules];"
        "assert not loaded, loaded"
    )
    environment = {**os.environ, "LSC_CACHE": str(directories.cache), "PYTHONPATH": os.getcwd()}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=environment)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["engine"]["cached"]
