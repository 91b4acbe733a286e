"""A sweep that is killed at any moment loses the points in work, and no more."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from sweep_files import lasting_files
from tiny_scenario import TINY

from experiment.command import main

PROGRAM = Path(__file__).parents[2] / "run_sim.py"
SWEEP = {"policy.threshold": [0.0, 0.4, 0.45, 0.5], "seeds": 2}
WORDS = ["tiny.yaml", "--out", "out", "--quiet", "--jobs", "2"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, directories):
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSC_CACHE", str(directories.cache))
        patch.chdir(folder)
        write_scenario()
        assert main(WORDS) == 0
    return lasting_files(folder / "out")


def write_scenario():
    Path("tiny.yaml").write_text(yaml.safe_dump({**TINY, "sweep": SWEEP}))


def finished():
    return {path.parent.name for path in Path("out").glob("points/[!.]*/summary.json")}


def kill_when(moment):
    """Start the program, and kill it and all its processes once `moment()` is true."""
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), *WORDS],
        env={**os.environ, "PYTHONPATH": str(PROGRAM.parent)},
        start_new_session=True,
    )
    give_up = time.monotonic() + 120
    while not moment() and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.005)
    assert process.poll() is None, "the sweep ended before it was killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


MOMENTS = {
    "points in work": lambda: len(finished()) >= 1 and any(Path("out").glob("points/.*.*")),
    "worlds shared": lambda: any(Path("out/points/.shared").glob("*.always")),
    "nearly done": lambda: len(finished()) >= 6,
}


@pytest.mark.parametrize(
    "name",
    [
        "points in work",
        pytest.param("worlds shared", marks=pytest.mark.slow),
        pytest.param("nearly done", marks=pytest.mark.slow),
    ],
)
def test_a_killed_sweep_resumes_and_gives_the_same_bytes(
    name, undisturbed, directories, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("LSC_CACHE", str(directories.cache))
    monkeypatch.chdir(tmp_path)
    write_scenario()
    kill_when(MOMENTS[name])
    kept = finished()
    assert len(kept) < 8
    # Whatever has its final name is whole.
    partial = lasting_files(Path("out"))
    for file, content in partial.items():
        if not any(part.startswith(".") for part in Path(file).parts):
            assert content == undisturbed[file], file
    made = {point: Path(f"out/points/{point}/summary.json").stat().st_mtime_ns for point in kept}
    assert main([*WORDS, "--resume"]) == 0
    assert capsys.readouterr().err == ""
    assert lasting_files(Path("out")) == undisturbed
    for point, time_ns in made.items():
        assert Path(f"out/points/{point}/summary.json").stat().st_mtime_ns == time_ns
