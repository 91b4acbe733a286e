"""Leave-one-out accuracy of the shipped training recipes, for comparison with the literature.

The last interaction of every user is the test, the one before it validates (and stops training
early), the rest trains; contexts have at most 50 items, and the whole catalogue is ranked (Kang and
McAuley 2018, with full ranking instead of sampled negatives: Krichene and Rendle 2020, "On sampled
metrics for item recommendation"). Two maskings are common and printed both: items of the user's
history left out of the ranking, or ranked like all others.

An SRM works on the LLM's lists in the end, and one that scores pairs is made for short lists only:
so each also re-ranks the 50 items that the first LLM proposes (its history left out), by its own
order and by fusion 3 of both.

    python -m benchmarks.accuracy amazon-beauty --seeds 3
    python -m benchmarks.accuracy ml-100k --models din causal_lm --loss binary_cross_entropy

Weights are kept in the cache, so another run asks for the models that it lacks; the seconds of
training are those of the run that trained, and a dash where the cache had the weights.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

import models.llm
import models.srm
from analysis.metrics import per_interaction
from experiment.directories import Directories
from experiment.progress import progress_on
from models.candidate_source import CandidateSource
from models.cells import ById, HeldLists, evaluate
from models.errors import ModelError
from models.fusion import Variant
from models.list_scores import list_logits
from models.llm import LlmSettings
from models.numerics import computing
from models.prefixes import Prefixes
from models.preparation import training_tasks
from models.quantisation import int8_copy, weights_bytes
from models.settings import ModelSettings
from models.srm import SrmSettings
from models.weights import TrainingTask, Weights, obtain
from workloads.datasets import load
from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.registry import members
from workloads.settings import Settings
from workloads.splits import Split
from workloads.workload_settings import WorkloadSettings

CONTEXT = 50
CANDIDATES = 50
METRICS = ("hr@5", "hr@10", "ndcg@5", "ndcg@10")
MASKINGS = ((True, "history left out"), (False, "nothing left out"))
RERANKING: tuple[tuple[Variant, str], ...] = ((5, "LLM's 50, SRM's"), (3, "LLM's 50, fused"))


@dataclass(frozen=True)
class Reached:
    """What one trained model reached.

    Attributes:
        model: its kind.
        seed: of its training; None for a mean over seeds.
        ranking: what is ranked, and by what.
        metrics: mean over users of each of `METRICS`, on the test items.
        validation_ndcg10: NDCG@10 on the validation items, history left out.
        epochs: epochs until the kept weights.
        train_s: seconds of training; 0 where the cache had the weights.
        parameters: its numbers.
        bytes: of the weights.
    """

    model: str
    seed: int | None
    ranking: str
    metrics: tuple[float, ...]
    validation_ndcg10: float
    epochs: float
    train_s: float
    parameters: int
    bytes: int


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


@dataclass(frozen=True)
class Test:
    """What is measured: the test items, and the LLM's lists for them.

    Attributes:
        prefixes: what comes before the test items.
        taken: int64, shape [U]: the test items.
        lists: int32, shape [U, 50]: the first LLM's lists; None without an LLM.
    """

    prefixes: Prefixes
    taken: NDArray[np.int64]
    lists: NDArray[np.int32] | None = None


def test_of(log: InteractionLog, split: Split) -> Test:
    """Return the test items of all users."""
    user = split.device_users
    last = split.replay_start[user]
    prefixes = Prefixes(user, np.maximum(0, last - CONTEXT), last)
    return Test(prefixes, prefixes.taken(log))


def whole_catalogue(
    weights: Weights, model: Any, test: Test
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield each masking in words, and the ranks of the test items in the whole catalogue."""
    for exclude_seen, masking in MASKINGS:
        with computing(weights.task.plan):
            yield masking, source_of(weights, model, exclude_seen).ranks(test.prefixes, test.taken)


def reranked(weights: Weights, model: Any, test: Test) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield each order in words, and the ranks of the test items in the LLM's lists."""
    assert test.lists is not None
    task = weights.task
    with computing(task.plan):
        logit = list_logits(model, task.corpus.log, test.prefixes, test.lists, task.plan)
    held = HeldLists(
        item=test.lists,
        logit=logit[:, None],
        left=np.ones((len(logit), 1, test.lists.shape[1]), np.bool_),
        target=test.taken[:, None],
    )
    cells = evaluate(ById.of(held), weights.binary_logits, learned_weight=1.0)
    for variant, order in RERANKING:
        yield order, cells.fused_rank[variant][:, 0]


def source_of(weights: Weights, model: Any, exclude_seen: bool) -> CandidateSource:
    """Return a trained model, or a copy of it, as a source of lists."""
    task = weights.task
    return task.architecture.candidate_source(model, task.corpus, task.plan, exclude_seen)


def reached(
    weights: Weights, name: str, size: int, ranks: Iterator[tuple[str, NDArray[np.int64]]]
) -> Iterator[Reached]:
    """Yield what a model reached in each ranking.

    Args:
        weights: the trained model.
        name: what to call it.
        size: bytes of its weights.
        ranks: each ranking in words, and the ranks of the test items.
    """
    facts = weights.entry.facts
    validation = facts["calibration_ndcg10"]
    for ranking, rank in ranks:
        metrics = per_interaction(rank)
        yield Reached(
            model=name,
            seed=weights.task.seed,
            ranking=ranking,
            metrics=tuple(float(metrics[metric].mean()) for metric in METRICS),
            validation_ndcg10=float("nan") if validation is None else validation,
            epochs=facts["epochs"],
            train_s=weights.train_s,
            parameters=facts["parameters"],
            bytes=size,
        )


def mean_over_seeds(rows: list[Reached]) -> Iterator[Reached]:
    """Yield the mean of the rows of each model and ranking, in their order."""
    for model, ranking in dict.fromkeys((row.model, row.ranking) for row in rows):
        same = [row for row in rows if (row.model, row.ranking) == (model, ranking)]
        yield replace(
            same[0],
            seed=None,
            metrics=tuple(np.mean([row.metrics for row in same], axis=0).tolist()),
            validation_ndcg10=float(np.mean([row.validation_ndcg10 for row in same])),
            epochs=float(np.mean([row.epochs for row in same])),
            train_s=_mean([row.train_s for row in same if row.train_s > 0]),
        )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


class Benchmark:
    """Trains the chosen models with one seed after the other and measures them."""

    def __init__(self, log: InteractionLog, options: argparse.Namespace) -> None:
        self._log = log
        self._options = options
        self._split = leave_one_out(log)
        self._cache_dir = Directories.from_environment().cache
        self._progress = progress_on(sys.stderr, quiet=False)

    def rows(self, seed: int) -> Iterator[Reached]:
        """Yield everything that is measured with one seed."""
        kinds = self._options.models
        test = test_of(self._log, self._split)
        for kind in (kind for kind in kinds if kind in LLMS):
            weights = self._obtain(self._tasks(seed, llm={"kind": kind})[1])
            model = weights.model()
            size = weights.card(CANDIDATES, len(self._log.catalogue)).weights_bytes
            yield from reached(weights, kind, size, whole_catalogue(weights, model, test))
            if test.lists is None:
                with computing(weights.task.plan):
                    source = source_of(weights, model, exclude_seen=True)
                    test = replace(test, lists=source.lists(test.prefixes, CANDIDATES).item)
        for kind in (kind for kind in kinds if kind in SRMS):
            weights = self._obtain(self._tasks(seed, srm={"kind": kind})[0])
            model = weights.model()
            yield from self._srm_rows(weights, kind, model, test)
            if self._options.quantised:
                yield from self._srm_rows(weights, f"{kind} int8", int8_copy(model), test)

    def _srm_rows(self, weights: Weights, name: str, model: Any, test: Test) -> Iterator[Reached]:
        size = weights_bytes(model)
        yield from reached(weights, name, size, whole_catalogue(weights, model, test))
        if test.lists is not None:
            yield from reached(weights, name, size, reranked(weights, model, test))

    def _tasks(self, seed: int, **chosen: Any) -> tuple[TrainingTask, TrainingTask]:
        recipe = {"loss": self._options.loss}
        if self._options.learning_rate is not None:
            recipe["learning_rate"] = self._options.learning_rate
        settings = ModelSettings.model_validate(
            {"seed": seed, "training": {"srm": recipe}, **chosen}
        )
        return training_tasks(self._log, self._split, CONTEXT, settings)

    def _obtain(self, task: TrainingTask) -> Weights:
        task.architecture.check(task.corpus)
        if self._options.epochs is not None:
            recipe = task.recipe.model_copy(update={"max_epochs": self._options.epochs})
            task = replace(task, recipe=recipe)
        return obtain(task, self._cache_dir, self._progress)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    options = _parser().parse_args(arguments)
    directories = Directories.from_environment()
    progress = progress_on(sys.stderr, quiet=False)
    try:
        log = load(
            WorkloadSettings(dataset=options.dataset), directories.data, directories.cache, progress
        )
        print(
            f"{log.name}: {log.users} users, {len(log.catalogue)} items, {log.interactions} "
            f"interactions; leave-one-out, whole catalogue ranked, contexts of {CONTEXT}"
        )
        print(_HEADER, flush=True)
        _measure(Benchmark(log, options), options.seeds)
    except (WorkloadError, ModelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(str(part) for part in wrong["loc"])
        print(f"error: models.{place}: {wrong['msg']}", file=sys.stderr)
        return 2
    return 0


def _measure(benchmark: Benchmark, seeds: int) -> None:
    rows = []
    for seed in range(seeds):
        for row in benchmark.rows(seed):
            rows.append(row)
            print(_line(row), flush=True)
    if seeds > 1:
        for row in mean_over_seeds(rows):
            print(_line(row))


_HEADER = (
    f"{'model':12} {'seed':>4} {'ranking':17}"
    + "".join(f" {name.upper():>8}" for name in METRICS)
    + f" {'validation NDCG@10':>19} {'epochs':>6} {'seconds':>8} {'parameters':>11} {'bytes':>11}"
)


def _line(row: Reached) -> str:
    seed = "mean" if row.seed is None else str(row.seed)
    seconds = f"{row.train_s:8.0f}" if row.train_s else f"{'-':>8}"
    return (
        f"{row.model:12} {seed:>4} {row.ranking:17}"
        + "".join(f" {value:8.4f}" for value in row.metrics)
        + f" {row.validation_ndcg10:19.4f} {row.epochs:>6.3g} {seconds}"
        + f" {row.parameters:>11,} {row.bytes:>11,}"
    )


def _kinds(package: ModuleType, base: type[Settings]) -> tuple[str, ...]:
    return tuple(each.model_fields["kind"].default for each in members(package, base))


SRMS = _kinds(models.srm, SrmSettings)
LLMS = _kinds(models.llm, LlmSettings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description="Leave-one-out accuracy of the shipped training recipes.",
    )
    parser.add_argument("dataset", help="amazon-beauty, ml-100k, or any data set or path")
    parser.add_argument("--seeds", type=int, default=1, help="train with seeds 0 .. SEEDS-1")
    parser.add_argument("--epochs", type=int, help="at most so many epochs instead of the recipe's")
    parser.add_argument(
        "--models",
        nargs="+",
        choices=(*SRMS, *LLMS),
        default=("sasrec", "gru4rec", "din", "causal_lm"),
        help="which to train (default: %(default)s); the first LLM's lists are re-ranked",
    )
    parser.add_argument(
        "--loss",
        choices=("softmax", "binary_cross_entropy"),
        default="softmax",
        help="that the SRMs are trained with",
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        help="that the SRMs are trained with, instead of the recipes' own",
    )
    parser.add_argument(
        "--quantised", action="store_true", help="measure each SRM's int8 copy as well"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
