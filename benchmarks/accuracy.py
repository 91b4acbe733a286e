"""Leave-one-out accuracy of the shipped training recipes, for comparison with the literature.

The last interaction of every user is the test, the one before it validates (and stops training
early), the rest trains; contexts have at most 50 items, and the whole catalogue is ranked (Kang and
McAuley 2018, with full ranking instead of sampled negatives: Krichene and Rendle 2020, "On sampled
metrics for item recommendation"). Two maskings are common and printed both: items of the user's
history left out of the ranking, or ranked like all others.

    python -m benchmarks.accuracy amazon-beauty
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from analysis.metrics import per_interaction
from experiment.directories import Directories
from experiment.progress import progress_on
from models.candidate_source import CatalogueScan
from models.prefixes import Prefixes
from models.preparation import training_tasks
from models.settings import ModelSettings
from models.weights import TrainingTask, train
from workloads.datasets import load
from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.progress import Progress
from workloads.splits import Split
from workloads.workload_settings import WorkloadSettings

CONTEXT = 50
METRICS = ("hr@5", "hr@10", "ndcg@5", "ndcg@10")


@dataclass(frozen=True)
class Reached:
    """What one trained model reached.

    Attributes:
        model: its kind.
        seed: of its training.
        masking: what the ranking leaves out.
        metrics: mean over users of each of `METRICS`, on the test items.
        validation_ndcg10: NDCG@10 on the validation items, history left out.
        epochs: epochs until the kept weights.
        train_s: seconds of training.
    """

    model: str
    seed: int
    masking: str
    metrics: tuple[float, ...]
    validation_ndcg10: float
    epochs: int
    train_s: float


def leave_one_out(log: InteractionLog) -> Split:
    """Return the split of the protocol: the last item is replayed, the one before it calibrates."""
    last = log.lengths - 1
    eligible = last >= 2
    return Split(
        kind="leave_one_out",
        replay_steps=1,
        train_stop=np.where(eligible, last - 1, log.lengths),
        calibration_start=np.where(eligible, last - 1, log.lengths),
        replay_start=np.where(eligible, last, log.lengths),
        device_users=np.flatnonzero(eligible).astype(np.int64),
    )


def measure(task: TrainingTask, progress: Progress) -> Iterator[Reached]:
    """Train one model and yield what it reached under each masking."""
    started_s = time.perf_counter()
    model, result = train(task, progress)
    train_s = time.perf_counter() - started_s
    corpus = task.corpus
    user = corpus.split.device_users
    last = corpus.split.replay_start[user]
    tests = Prefixes(user, np.maximum(0, last - CONTEXT), last)
    for exclude_seen, masking in ((True, "history left out"), (False, "nothing left out")):
        scan = CatalogueScan(model, corpus.log, task.plan, exclude_seen)
        rank = scan.ranks(tests, tests.taken(corpus.log))
        metrics = per_interaction(rank)
        yield Reached(
            model=task.architecture.model_dump()["kind"],
            seed=task.seed,
            masking=masking,
            metrics=tuple(float(metrics[name].mean()) for name in METRICS),
            validation_ndcg10=result.validation_ndcg10,
            epochs=result.best_epoch,
            train_s=train_s,
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    options = _parser().parse_args(arguments)
    directories = Directories.from_environment()
    progress = progress_on(sys.stderr, quiet=False)
    try:
        log = load(
            WorkloadSettings(dataset=options.dataset), directories.data, directories.cache, progress
        )
    except WorkloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    split = leave_one_out(log)
    print(
        f"{log.name}: {log.users} users, {len(log.catalogue)} items, {log.interactions} "
        f"interactions; leave-one-out, whole catalogue ranked, contexts of {CONTEXT}"
    )
    print(_HEADER, flush=True)
    for seed in range(options.seeds):
        tasks = training_tasks(log, split, CONTEXT, ModelSettings(seed=seed))
        for task, chosen in zip(tasks, ("srm", "llm"), strict=True):
            if chosen in options.models:
                for reached in measure(_limited(task, options.epochs), progress):
                    print(_row(reached), flush=True)
    return 0


def _limited(task: TrainingTask, epochs: int | None) -> TrainingTask:
    if epochs is None:
        return task
    return replace(task, recipe=task.recipe.model_copy(update={"max_epochs": epochs}))


_HEADER = (
    f"{'model':10} {'seed':>4} {'ranking':17}"
    + "".join(f" {name.upper():>8}" for name in METRICS)
    + f" {'validation NDCG@10':>19} {'epochs':>6} {'seconds':>8}"
)


def _row(reached: Reached) -> str:
    return (
        f"{reached.model:10} {reached.seed:>4} {reached.masking:17}"
        + "".join(f" {value:8.4f}" for value in reached.metrics)
        + f" {reached.validation_ndcg10:19.4f} {reached.epochs:>6} {reached.train_s:8.0f}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description="Leave-one-out accuracy of the shipped training recipes.",
    )
    parser.add_argument("dataset", help="amazon-beauty, ml-100k, or any data set or path")
    parser.add_argument("--seeds", type=int, default=1, help="train with seeds 0 .. SEEDS-1")
    parser.add_argument("--epochs", type=int, help="at most so many epochs instead of the recipe's")
    parser.add_argument(
        "--models", nargs="+", choices=("srm", "llm"), default=("srm", "llm"), help="which to train"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
