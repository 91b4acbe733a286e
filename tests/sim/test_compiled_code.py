"""Compiled code is kept whole, found again, and made anew where it is damaged or cannot be kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
sys.path[:0] = sys.argv[1:3]
import numpy as np
from random_world import make_world
from sim.compiled import code
from sim.compiled.simulation import simulate_compiled
from sim.policies.always import Always
world = make_world(devices=5, policy=Always())
kept = code.is_kept()
result = simulate_compiled(world, world.make_links())
print(kept, len(result.requests.device))
"""
ROOT = Path(__file__).parents[2]


def run(cache):
    """Run a small world in a process of its own; return whether it found compiled code."""
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT), str(ROOT / "tests" / "sim")],
        env={**os.environ, "LSC_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    kept, requests = found.stdout.split()
    assert int(requests) > 0
    return kept == "True"


@pytest.mark.slow
def test_what_is_compiled_once_is_found_again_unless_it_is_damaged(tmp_path):
    assert not run(tmp_path)
    assert run(tmp_path)
    (folder,) = (tmp_path / "compiled").iterdir()  # no process has left anything else
    largest = max(folder.rglob("*.nbc"), key=lambda file: file.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:1000])
    assert not run(tmp_path)
    assert run(tmp_path)


@pytest.mark.slow
def test_where_nothing_can_be_kept_worlds_run_all_the_same(tmp_path):
    (tmp_path / "file").write_text("no directory")
    assert not run(tmp_path / "file" / "cache")
