"""What bfloat16 gives and costs: speed, changed orders and accuracy of one model in both formats.

A trained LLM makes a list of 50 for every replayed step of every device user, once reading the
histories in float32 and once in bfloat16. Two variants that the testbed does not offer show what
rounding more would do: states rounded to bfloat16 before they are compared with the items, and
logits rounded to it. A larger model shows the speed where matrices are larger; its weights are
random, so its accuracy means nothing.

    python -m benchmarks.precision ml-100k
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from analysis.metrics import HEADLINE, per_interaction
from experiment.directories import Directories
from experiment.progress import progress_on
from models.candidate_source import CandidateLists, CatalogueScan
from models.corpus import Corpus
from models.errors import ModelError
from models.llm.causal import CausalLm, CausalLmSettings
from models.numerics import NumericsPlan, computing, plan_of
from models.prefixes import Ints, Prefixes, prefix_groups
from models.preparation import training_tasks
from models.reading import read
from models.settings import ModelSettings
from models.weights import obtain
from workloads.datasets import load
from workloads.errors import WorkloadError
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings

LARGE = CausalLmSettings(hidden=256, layers=8, heads=8, intermediate=1024)
LARGE_USERS = 100
"""The larger model reads only so many users, evenly spaced."""
COUNT = 50
REPEATS = 3
"""Timings of each format, in turn; the shortest counts."""


class _RoundedStates(CausalLm):
    """Compares items with states rounded to bfloat16."""

    def states(self, encoded: Tensor) -> Tensor:
        return encoded.bfloat16().float()


class _RoundedLogits(CatalogueScan):
    """Ranks logits rounded to bfloat16, as a model wholly in bfloat16 gives them."""

    def _scan(self, prefixes: Prefixes) -> Iterator[tuple[Ints, Tensor]]:
        for member, logits in super()._scan(prefixes):
            yield member, logits.bfloat16().float()


@dataclass(frozen=True)
class Generated:
    """What a model proposed in one format.

    Attributes:
        lists: of all prefixes.
        ndcg10: of the items taken next, ranked in the whole catalogue.
    """

    lists: CandidateLists
    ndcg10: float


@dataclass(frozen=True)
class Seconds:
    """How long one format took.

    Attributes:
        reading: of all histories.
        lists: of all lists, reading included.
    """

    reading: float
    lists: float


def replayed(corpus: Corpus, most_users: int) -> Prefixes:
    """Return what comes before every replayed step of at most so many device users."""
    steps, users = corpus.split.replay_steps, corpus.split.device_users
    spaced = np.linspace(0, len(users) - 1, min(most_users, len(users))).astype(np.int64)
    user = np.repeat(users[spaced], steps).astype(np.int64)
    step = np.tile(np.arange(steps), len(spaced))
    first = corpus.split.replay_start[user]
    return Prefixes(user, np.maximum(0, first - corpus.history), first + step)


def generate(scan: CatalogueScan, corpus: Corpus, prefixes: Prefixes) -> Generated:
    """Return the lists of all prefixes, and the accuracy of the ranking that they come from."""
    rank = scan.ranks(prefixes, prefixes.taken(corpus.log))
    ndcg10 = float(per_interaction(rank)[HEADLINE].mean())
    return Generated(scan.lists(prefixes, COUNT), ndcg10)


def seconds(model: CausalLm, corpus: Corpus, prefixes: Prefixes, plan: NumericsPlan) -> Seconds:
    """Time one reading of all histories, and one making of all lists."""
    started_s = time.perf_counter()
    with torch.inference_mode():
        for group in prefix_groups(corpus.log, prefixes, plan.batch_positions):
            read(model, torch.from_numpy(group.histories).to(plan.device), plan)
    if plan.device == "cuda":
        torch.cuda.synchronize()
    read_s = time.perf_counter() - started_s
    started_s = time.perf_counter()
    CatalogueScan(model, corpus.log, plan, exclude_seen=True).lists(prefixes, COUNT)
    return Seconds(read_s, time.perf_counter() - started_s)


def compare(
    name: str, model: CausalLm, corpus: Corpus, most_users: int, exact: NumericsPlan
) -> Iterator[str]:
    """Yield the lines of one model's comparison."""
    prefixes = replayed(corpus, most_users)
    reduced = replace(exact, dtype="bfloat16")
    total, _ = model.parameter_counts()
    yield f"\n{name}: {total} parameters, {len(prefixes)} lists of {COUNT}"
    timed: dict[str, list[Seconds]] = {"float32": [], "bfloat16": []}
    for _ in range(REPEATS):
        for plan in (exact, reduced):
            timed[plan.dtype].append(seconds(model, corpus, prefixes, plan))
    for what in ("reading", "lists"):
        slow, fast = (min(getattr(each, what) for each in runs) for runs in timed.values())
        yield f"  {what:8} {slow:8.2f} s in float32 {fast:8.2f} s in bfloat16: {slow / fast:.2f} x"
    rounded = _RoundedStates(model.language_model, corpus, 0.0).to(exact.device).eval()
    log = corpus.log
    reference = generate(CatalogueScan(model, log, exact, True), corpus, prefixes)
    variants = {
        "bfloat16": CatalogueScan(model, log, reduced, True),
        "bfloat16, states rounded": CatalogueScan(rounded, log, reduced, True),
        "bfloat16, logits rounded": _RoundedLogits(model, log, reduced, True),
    }
    yield f"  {'format':26}{'order changed':>15}{'set changed':>13}{'same first':>12}{'NDCG@10':>9}"
    yield f"  {'float32':26}{'':>40}{reference.ndcg10:9.4f}"
    for variant, scan in variants.items():
        found = generate(scan, corpus, prefixes)
        yield f"  {variant:26}" + _row(reference.lists.item, found)


def _row(item: np.ndarray, found: Generated) -> str:
    other = found.lists.item
    order = (item != other).any(axis=1).mean()
    members = (np.sort(item, axis=1) != np.sort(other, axis=1)).any(axis=1).mean()
    first = (item[:, 0] == other[:, 0]).mean()
    return f"{order:15.2%}{members:13.2%}{first:12.2%}{found.ndcg10:9.4f}"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    options = _parser().parse_args(arguments)
    directories = Directories.from_environment()
    progress = progress_on(sys.stderr, quiet=False)
    workload = WorkloadSettings(dataset=options.dataset)
    settings = ModelSettings(device=options.device, threads=options.threads, llm=CausalLmSettings())
    recipe = settings.training.llm.with_step_size(settings.llm.learning_rate)
    if options.epochs is not None:
        recipe = recipe.model_copy(update={"max_epochs": options.epochs})
    try:
        exact = plan_of(settings.device, settings.threads)
        plan_of(settings.device, settings.threads, "bfloat16")  # refuses where there is none
        log = load(workload, directories.data, directories.cache, progress)
        task = training_tasks(log, split(log, workload), workload.history, settings)[1]
        task = replace(task, recipe=recipe)
        trained = obtain(task, directories.cache, progress).model()
        with computing(exact, settings.seed):
            large = LARGE.build(task.corpus).to(exact.device).eval()
            print(f"{log.name}, {exact.processor}, {exact.threads} threads", flush=True)
            for name, model, users in (
                ("shipped LLM", trained, log.users),
                ("8 layers of 256, random", large, LARGE_USERS),
            ):
                for line in compare(name, model, task.corpus, users, exact):
                    print(line, flush=True)
    except (WorkloadError, ModelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.precision",
        description="Speed, changed orders and accuracy of bfloat16 against float32.",
    )
    parser.add_argument("dataset", help="ml-100k, or any data set or path")
    parser.add_argument("--device", choices=("cpu", "cuda", "auto"), default="cpu")
    parser.add_argument("--epochs", type=int, help="at most so many epochs instead of the recipe's")
    parser.add_argument("--threads", type=int, default=2, help="of torch on a CPU")
    return parser


if __name__ == "__main__":
    sys.exit(main())
