"""Leave-one-out accuracy of a SASRec that others wrote: the check on the project's own.

RecTools (MTS, github.com/MobileTeleSystems/RecTools) has a SASRec of its own, with its own network,
batches, initial weights and optimiser. Here it trains on the split of `benchmarks.accuracy` and is
measured as there: the last item of every user is the test, the one before it chooses the epoch,
contexts have at most 50 items, the whole catalogue is ranked, both maskings are printed.

RecTools 0.19 wants pandas < 3 and numpy < 2 and the project pandas >= 3, so it cannot be an extra.
It lives in an environment of its own; this module writes the split to a file, lets
`benchmarks/rectools_training.py` train there, and scores the lists that come back:

    python3.11 -m venv build/rectools && build/rectools/bin/pip install "rectools[torch]==0.19.0"
    python -m benchmarks.independent_sasrec amazon-beauty

Its size is that of the project's SASRec and its dropout is 0.3 (the project's is 0.5), the rest are
RecTools' defaults (Adam, batches of 128 sessions). Two things are done for it: a training part
longer than a context is handed over in windows, as the project's own models get it, since RecTools
would drop all but the end; and logits of padding are not computed, which changes no loss. One
difference stays: items that never train are unknown to RecTools, so they are misses, and absent
from contexts.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics import per_interaction
from benchmarks.accuracy import CONTEXT, METRICS, leave_one_out
from experiment.directories import Directories
from experiment.progress import progress_on
from models.training.windows import training_windows
from workloads.datasets import load
from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.splits import Split
from workloads.workload_settings import WorkloadSettings

TRAINING = Path(__file__).with_name("rectools_training.py")
PYTHON = Path("build/rectools/bin/python")


def task_of(log: InteractionLog, split: Split) -> dict[str, NDArray[Any]]:
    """Return what `rectools_training` trains on and recommends after, as it documents."""
    windows = training_windows(log, split.train_stop, CONTEXT)
    user = split.device_users
    first = log.offsets[user]
    return {
        "items": log.items,
        "session_start": windows.start,
        "session_stop": windows.start + windows.length + 1,
        "history_start": first,
        "validation_at": first + split.calibration_start[user],
        "test_at": first + split.replay_start[user],
    }


def mean_metrics(lists: NDArray[np.int64], taken: NDArray[Any]) -> dict[str, float]:
    """Return the mean of every metric of `METRICS`.

    Args:
        lists: shape [U, 10]: recommended items, best first.
        taken: shape [U]: the item taken next.
    """
    hit = lists == taken[:, None]
    rank = np.where(hit.any(axis=1), 1 + hit.argmax(axis=1), 0)
    metrics = per_interaction(rank)
    return {name: float(metrics[name].mean()) for name in METRICS}


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison; return the exit status."""
    options = _parser().parse_args(arguments)
    if not options.python.exists():
        print(f"error: {options.python} is not there; to make it:\n{_MAKE}", file=sys.stderr)
        return 2
    directories = Directories.from_environment()
    progress = progress_on(sys.stderr, quiet=False)
    try:
        log = load(
            WorkloadSettings(dataset=options.dataset), directories.data, directories.cache, progress
        )
    except WorkloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    task = task_of(log, leave_one_out(log))
    with tempfile.TemporaryDirectory() as directory:
        task_file, result_file = Path(directory, "task.npz"), Path(directory, "result.npz")
        np.savez(task_file, allow_pickle=False, **task)
        command = [options.python, TRAINING, task_file, result_file]
        limits = [f"--epochs={options.epochs}", f"--seed={options.seed}"]
        status = subprocess.run([*command, *limits], check=False).returncode
        if not result_file.exists():  # Lightning leaves with 0 when it is told to stop
            return status or 1
        with np.load(result_file) as stored:
            result = dict(stored)
    _show(log, task, result, options.seed)
    return 0


def _show(log: InteractionLog, task: dict[str, Any], result: dict[str, Any], seed: int) -> None:
    validation = mean_metrics(result["validation"], log.items[task["validation_at"]])["ndcg@10"]
    print(
        f"{log.name}: {log.users} users, {len(log.catalogue)} items, {log.interactions} "
        f"interactions; leave-one-out, whole catalogue ranked, contexts of {CONTEXT}; RecTools' "
        f"SASRec, {result['parameters']} parameters"
    )
    print(
        f"{'model':10} {'seed':>4} {'ranking':17}"
        + "".join(f" {name.upper():>8}" for name in METRICS)
        + f" {'validation NDCG@10':>19} {'epochs':>6} {'seconds':>8}"
    )
    for key, masking in (("test", "history left out"), ("test_seen_too", "nothing left out")):
        metrics = mean_metrics(result[key], log.items[task["test_at"]])
        print(
            f"{'rectools':10} {seed:>4} {masking:17}"
            + "".join(f" {value:8.4f}" for value in metrics.values())
            + f" {validation:19.4f} {result['epochs']:>6} {result['train_s']:8.0f}"
        )


_MAKE = "\n".join(line for line in (__doc__ or "").splitlines() if " -m venv " in line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.independent_sasrec",
        description="Leave-one-out accuracy of the SASRec of RecTools.",
    )
    parser.add_argument("dataset", help="amazon-beauty, ml-100k, or any data set or path")
    parser.add_argument("--epochs", type=int, default=100, help="at most; validation stops earlier")
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and dropout")
    parser.add_argument(
        "--python", type=Path, default=PYTHON, help=f"of RecTools' environment ({PYTHON})"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
