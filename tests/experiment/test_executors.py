"""Tasks on processes of this machine: what fails, what is killed, and what goes on beside it."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from experiment.executors import processes
from models.errors import ModelError


@dataclass(frozen=True)
class Errand:
    name: str
    folder: Path


def run(errand):
    match errand.name:
        case "mendable":
            raise ModelError("too many; accepted: fewer", key="models.candidates.count")
        case "mistake":
            raise ZeroDivisionError("of all\nthings")
        case "memory":
            raise MemoryError
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
    (errand.folder / errand.name).write_text(f"{torch.get_num_threads()}")


def results(names, jobs, folder):
    with processes(jobs) as work_on_all:
        done = dict(work_on_all(run, [Errand(name, folder) for name in names]))
    assert sorted(done) == list(range(len(names)))
    return [done[position] for position in range(len(names))]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_task_that_raises_is_a_failure_and_the_others_go_on(jobs, tmp_path):
    names = ["one", "mendable", "mistake", "memory", "two"]
    one, mendable, mistake, memory, two = results(names, jobs, tmp_path)
    assert one is None
    assert two is None
    assert str(mendable) == "models.candidates.count: too many; accepted: fewer"
    assert (mendable.error, mendable.mendable, mendable.traceback) == ("ModelError", True, "")
    assert mistake.error == "ZeroDivisionError"
    assert not mistake.mendable
    assert "\n" not in mistake.message
    assert "raise ZeroDivisionError" in mistake.traceback
    assert memory.message == "MemoryError"
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


def test_a_killed_process_fails_its_own_task_and_no_other(tmp_path):
    names = [f"before {i}" for i in range(3)] + ["kill"] + [f"after {i}" for i in range(6)]
    failures = results(names, 2, tmp_path)
    assert [failure is None for failure in failures] == [name != "kill" for name in names]
    assert failures[3].error == "KilledProcess"
    assert not failures[3].mendable
    assert {path.name for path in tmp_path.iterdir()} == {*names} - {"kill"}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """Kills the process that it arrives at before any work begins, as too little memory does."""

    def __reduce__(self):
        return die, ()


def test_a_process_that_is_killed_before_it_begins_fails_its_task_too(tmp_path):
    with processes(2) as work_on_all:
        done = dict(work_on_all(run, [Deadly(), Errand("one", tmp_path)]))
    assert done[0].error == "KilledProcess"
    assert done[1] is None
    assert (tmp_path / "one").is_file()


def test_a_process_has_one_thread(tmp_path):
    results(["a", "b", "c"], 2, tmp_path)
    assert {path.read_text() for path in tmp_path.iterdir()} == {"1"}
