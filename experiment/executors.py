"""Where the points of a sweep are worked on: processes of this machine."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from experiment import loading
from experiment.failure import Failure
from experiment.point_work import Done, Executor, PointTask

Work = Callable[[PointTask], None]


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Yield what works on tasks with `jobs` processes; 1 works in this process.

    A task that raises an exception, or whose process is killed, fails, and the others go on. BLAS,
    OpenMP and PyTorch take one thread in each process, so that processes do not fight.
    """
    yield _one_by_one if jobs == 1 else _SideBySide(jobs)


def attempt(work: Work, task: PointTask) -> Failure | None:
    """Work on a task and return why it failed, if it did."""
    try:
        work(task)
    except Exception as error:
        return Failure.of(error)
    return None


def _one_by_one(work: Work, tasks: Sequence[PointTask]) -> Iterator[Done]:
    for position, task in enumerate(tasks):
        yield position, attempt(work, task)


class _SideBySide:
    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def __call__(self, work: Work, tasks: Sequence[PointTask]) -> Iterator[Done]:
        waiting = dict(enumerate(tasks))
        with tempfile.TemporaryDirectory() as folder:
            started = Path(folder)
            while waiting:
                try:
                    yield from self._done(work, waiting, started)
                except TerminatedWorkerError:
                    # A killed process takes all that is in work along. These start again, one at a
                    # time, so that it shows which of them is to blame. Where none is in work,
                    # as processes die of what they are sent or of starting, all do.
                    in_work = [each for each in waiting if (started / f"{each}").exists()]
                    for position in in_work or list(waiting):
                        alone = {position: waiting.pop(position)}
                        try:
                            yield from self._done(work, alone, started)
                        except TerminatedWorkerError:
                            yield position, Failure.killed()

    def _done(self, work: Work, waiting: dict[int, PointTask], started: Path) -> Iterator[Done]:
        """Work on all that waits, and take what is done from there.

        Raises:
            TerminatedWorkerError: a process was killed.
        """
        calls = [
            joblib.delayed(_on_a_process)(work, task, position, started, os.getcwd())
            for position, task in waiting.items()
        ]
        # What a process does first is to load all that the work needs.
        with joblib.parallel_config("loky", inner_max_num_threads=1, initializer=loading.begins):
            parallel = joblib.Parallel(n_jobs=self._jobs, return_as="generator_unordered")
            for position, failure in parallel(calls):
                del waiting[position]
                yield position, failure


def _on_a_process(
    work: Work, task: PointTask, position: int, started: Path, directory: str
) -> Done:
    loading.has_ended()
    # Ctrl-C reaches every process of the terminal; the main one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Processes are used again, and may have been started elsewhere.
    os.chdir(directory)
    (started / f"{position}").touch()
    return position, attempt(work, task)
