"""The points of a sweep on a real Ray cluster of two nodes that share no files."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from joblib.externals.loky import get_reusable_executor
from sweep_files import lasting_files
from tiny_scenario import TINY

from experiment.directories import Directories
from experiment.scenario import from_mapping
from experiment.sweep import run_sweep
from workloads.content_cache import STAMPS_FILE
from workloads.progress import SILENT

PORT = 6401
TRACE = "".join(f"{ms}\n" for ms in range(0, 4000, 12))


@pytest.fixture
def cluster(tmp_path):
    """Start a head and a worker with a processor each; yield the caches of the two nodes."""
    pytest.importorskip("ray", reason="the extra `cluster` is not installed")
    caches = [tmp_path / "head cache", tmp_path / "worker cache"]
    # Sockets have short names, so the nodes' files are not below tmp_path.
    with tempfile.TemporaryDirectory(prefix="ray") as folder:
        processes = []
        try:
            for cache, words in zip(caches, _nodes(folder), strict=True):
                processes.append(_start(words, cache))
            yield caches
        finally:
            for process in reversed(processes):
                process.terminate()
            for process in processes:
                process.wait(timeout=60)


def _nodes(folder):
    yield ["--head", f"--port={PORT}", "--include-dashboard=false", f"--temp-dir={folder}"]
    yield [f"--address=127.0.0.1:{PORT}"]


def _start(words, cache):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LSC_")}
    root = str(Path(__file__).parents[2])
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus=1"]
    ray += ["--node-ip-address=127.0.0.1", "--object-store-memory=100000000"]
    process = subprocess.Popen(
        [*ray, "--disable-usage-stats", *words],
        env={**environment, "LSC_CACHE": str(cache), "PYTHONPATH": root},
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if "Ray runtime started" in line:
            return process
    raise AssertionError("the node did not start")


@pytest.mark.slow
def test_a_ray_cluster_gives_the_bytes_of_two_processes(
    cluster, directories, tmp_path, monkeypatch
):
    monkeypatch.setenv("LSC_CACHE", str(directories.cache))
    monkeypatch.setenv("LSC_TRACES", str(tmp_path))
    (tmp_path / "link.trace").write_text(TRACE)
    trace = {"kind": "trace", "up": "link.trace", "down": "link.trace", "rtt_s": 0.1}
    sweep = {"network": [{"preset": "3g"}, trace], "policy.threshold": [0.0, 0.45], "seeds": 2}
    loaded = from_mapping({**TINY, "sweep": sweep}, "tiny.yaml")
    # Processes that earlier tests left would not know where the traces are.
    get_reusable_executor().shutdown()
    here = run_sweep(loaded, tmp_path / "here", SILENT, jobs=2)
    there = run_sweep(loaded, tmp_path / "there", SILENT, ray=f"127.0.0.1:{PORT}")
    assert len(here.table) == len(there.table) == 8
    assert lasting_files(tmp_path / "there") == lasting_files(tmp_path / "here")
    for cache in cluster:
        # Each node worked, and from tables that it was sent: verified copies in its own cache.
        (entry,) = (cache / "outcomes").iterdir()
        original = Directories(None, directories.cache).cache / "outcomes" / entry.name
        copied, kept = lasting_files(entry), lasting_files(original)
        for files in (copied, kept):
            files.pop(STAMPS_FILE, None)  # what each node's own file system says of its files
        assert copied == kept
