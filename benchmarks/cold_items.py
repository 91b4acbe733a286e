"""Which LLM proposes items that nobody took in training: item tokens against items known by text.

A seeded share of the items is cold: they are taken out of everything that trains a model or stops
its training. Two LLMs, one by tokens (causal_lm) and one by texts (text), are then trained by one
recipe, and each user's last 20 interactions are predicted one by one. Contexts are the 50 newest
warm items before the target; the whole catalogue is ranked, warm and cold, without items that the
user took before.

    python -m benchmarks.cold_items ml-100k --encoder DIRECTORY_OR_HUB_NAME
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from analysis.intervals import Estimate, Ratios, UserResamples
from experiment.directories import Directories
from experiment.progress import progress_on
from models.candidate_source import CatalogueScan
from models.catalogue_ranking import hide, target_ranks
from models.corpus import Corpus
from models.errors import ModelError
from models.histories import seen_pairs
from models.llm import LlmSettings
from models.llm.causal import CausalLmSettings
from models.llm.text import TextLmSettings
from models.numerics import plan_of
from models.prefixes import Prefixes
from models.settings import ModelSettings
from models.weights import TrainingTask, train
from workloads import draws
from workloads.datasets import load
from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.progress import Progress
from workloads.splits import Split
from workloads.workload_settings import WorkloadSettings

CONTEXT = 50
TESTED = 20
CALIBRATION = 5
LEAST_WARM = 10
"""Users with fewer warm interactions before their last 20 train, and are not tested."""
CUTOFFS = (10, 20, 50)

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ColdStart:
    """A log in which some items are cold.

    Attributes:
        cold: bool, shape [items].
        corpus: what models learn from: no cold item occurs in it.
        tested: a log with a user for each prediction: the items that the user took before (cold
            ones first, then warm ones in order), and the target.
        prefixes: of `tested`: the newest warm items before each target.
        user: int64, shape [predictions]: whose prediction it is.
        target: int64, shape [predictions].
    """

    cold: NDArray[np.bool_]
    corpus: Corpus
    tested: InteractionLog
    prefixes: Prefixes
    user: Ints
    target: Ints


def cold_start(log: InteractionLog, share: float, seed: int) -> ColdStart:
    """Take a share of the items out of what trains, and collect the predictions to be made."""
    items = len(log.catalogue)
    draw = draws.uniform(seed, "cold items", 0, items)
    cold = np.zeros(items, np.bool_)
    cold[np.argsort(draw)[: round(share * items)]] = True
    warm_histories, cases, starts, user, target = [], [], [], [], []
    for each in range(log.users):
        history = log.history(each)
        before = max(0, len(history) - TESTED)
        known = history[:before]
        warm_histories.append(known[~cold[known]])
        if len(warm_histories[-1]) < LEAST_WARM:
            continue
        for step in range(before, len(history)):
            taken = history[:step]
            warm = taken[~cold[taken]]
            cases.append(np.concatenate((taken[cold[taken]], warm, history[step : step + 1])))
            starts.append(step - min(len(warm), CONTEXT))
            user.append(each)
            target.append(int(history[step]))
    tested = _log_of(log, cases)
    prefixes = Prefixes(
        np.arange(len(cases)), np.array(starts, np.int64), (tested.lengths - 1).astype(np.int64)
    )
    return ColdStart(
        cold,
        Corpus(_log_of(log, warm_histories), _split(warm_histories), CONTEXT),
        tested,
        prefixes,
        np.array(user, np.int64),
        np.array(target, np.int64),
    )


def _log_of(log: InteractionLog, histories: list[NDArray[np.int32]]) -> InteractionLog:
    """Return a log of the same catalogue with other histories."""
    return InteractionLog(
        name=log.name,
        user_keys=tuple(str(user) for user in range(len(histories))),
        offsets=np.concatenate(([0], np.cumsum([len(each) for each in histories]))).astype(
            np.int64
        ),
        items=np.concatenate(histories).astype(np.int32),
        times_s=None,
        catalogue=log.catalogue,
    )


def _split(histories: list[NDArray[np.int32]]) -> Split:
    """Return the split whose last interactions calibrate; what is replayed is in another log."""
    length = np.array([len(each) for each in histories], np.int64)
    eligible = length >= LEAST_WARM
    train_stop = np.where(eligible, length - CALIBRATION, length)
    return Split("cold_items", 1, train_stop, train_stop.copy(), length, np.flatnonzero(eligible))


def model_ranks(
    start: ColdStart, llm: LlmSettings, settings: ModelSettings, progress: Progress
) -> tuple[Ints, str]:
    """Train an LLM and return the rank of each target and a word on the training."""
    plan = plan_of(settings.device, settings.threads)
    kind = llm.model_dump()["kind"]
    recipe = settings.training.llm.with_step_size(llm.learning_rate)
    task = TrainingTask(f"Train {kind}", llm, recipe, start.corpus, settings.seed, plan)
    model, result = train(task, progress)
    scan = CatalogueScan(model, start.tested, plan, exclude_seen=True)
    note = (
        f"{kind}: {result.best_epoch} epochs, NDCG@10 on warm calibration steps "
        f"{result.validation_ndcg10:.4f}"
    )
    return scan.ranks(start.prefixes, start.target), note


def popularity_ranks(start: ColdStart) -> Ints:
    """Return the rank of each target by count in the training data, seen items left out."""
    count = np.bincount(start.corpus.log.items, minlength=len(start.cold))
    rank = np.zeros(len(start.target), np.int64)
    for first in range(0, len(rank), 1024):
        case = np.arange(first, min(first + 1024, len(rank)))
        logits = torch.from_numpy(count.astype(np.float32)).repeat(len(case), 1)
        row, item = seen_pairs(start.tested, case, start.prefixes.stop[case])
        hide(logits, torch.from_numpy(row), torch.from_numpy(item))
        rank[case] = target_ranks(logits, torch.from_numpy(start.target[case])).numpy()
    return rank


@dataclass(frozen=True)
class Outcome:
    """What one model reached on some predictions: HR at the cut-offs, and the mean rank.

    Attributes:
        model: its name.
        ratios: a column for each of `CUTOFFS`, and the mean rank.
    """

    model: str
    ratios: Ratios


def outcomes(start: ColdStart, ranks: dict[str, Ints], part: NDArray[np.bool_]) -> list[Outcome]:
    """Return what each model, and a random order, reached on a part of the predictions."""
    user, row = np.unique(start.user[part], return_inverse=True)
    resamples = UserResamples(len(user))
    # A rank of 0 is a target that was taken before; that log has repetitions, and it is a miss.
    candidates = len(start.cold) - start.prefixes.stop[part].astype(np.float64)

    def ratios(columns: list[NDArray[np.float64]]) -> Ratios:
        sums = [np.bincount(row, each, len(user)).astype(np.float64) for each in columns]
        count = np.bincount(row, minlength=len(user)).astype(np.float64)
        return resamples.ratios(
            np.stack(sums, axis=1), np.repeat(count[:, None], len(columns), axis=1)
        )

    found = [
        Outcome(
            model,
            ratios(
                [((rank[part] > 0) & (rank[part] <= k)).astype(np.float64) for k in CUTOFFS]
                + [np.where(rank[part] > 0, rank[part], candidates).astype(np.float64)]
            ),
        )
        for model, rank in ranks.items()
    ]
    chance = [k / candidates for k in CUTOFFS] + [(candidates + 1) / 2]
    return [*found, Outcome("random order", ratios(chance))]


def report(start: ColdStart, ranks: dict[str, Ints]) -> Iterator[str]:
    """Yield the lines of the result: cold targets, then warm ones."""
    is_cold = start.cold[start.target]
    for name, part in (("cold", is_cold), ("warm", ~is_cold)):
        users = len(np.unique(start.user[part]))
        yield f"\n{name} targets: {part.sum()} predictions of {users} users"
        yield (
            f"{'model':22}"
            + "".join(f"{f'HR@{k} [95%]':>28}" for k in CUTOFFS)
            + (f"{'mean rank [95%]':>28}")
        )
        reached = outcomes(start, ranks, part)
        for outcome in reached:
            yield _row(outcome.model, outcome.ratios.estimates())
        by_name = {outcome.model: outcome.ratios for outcome in reached}
        columns = range(len(CUTOFFS) + 1)
        text, tokens = by_name["text"], by_name["causal_lm"]
        yield _row("text - causal_lm", [text.difference(c, tokens, c) for c in columns])


def _row(name: str, estimates: list[Estimate]) -> str:
    digits = [4] * len(CUTOFFS) + [1]
    cells = [_cell(each, places) for each, places in zip(estimates, digits, strict=True)]
    return f"{name:22}" + "".join(f"{cell:>28}" for cell in cells)


def _cell(estimate: Estimate, places: int) -> str:
    if estimate.low is None:
        return f"{estimate.value:.{places}f}"
    return f"{estimate.value:.{places}f} [{estimate.low:.{places}f}, {estimate.high:.{places}f}]"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    options = _parser().parse_args(arguments)
    directories = Directories.from_environment()
    progress = progress_on(sys.stderr, quiet=False)
    workload = WorkloadSettings(dataset=options.dataset)
    try:
        log = load(workload, directories.data, directories.cache, progress)
        start = cold_start(log, options.share, options.seed)
        print(
            f"{log.name}: {start.cold.sum()} of {len(log.catalogue)} items are cold; "
            f"{start.corpus.log.interactions} of {log.interactions} interactions train",
            flush=True,
        )
        ranks: dict[str, Ints] = {}
        settings = ModelSettings(seed=options.seed, threads=options.threads)
        models: dict[str, Callable[[], LlmSettings]] = {
            "causal_lm": CausalLmSettings,
            "text": lambda: TextLmSettings(encoder=options.encoder),
        }
        for kind, llm in models.items():
            ranks[kind], note = model_ranks(start, llm(), settings, progress)
            print(note, flush=True)
    except (WorkloadError, ModelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    ranks["popularity"] = popularity_ranks(start)
    for line in report(start, ranks):
        print(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold_items",
        description="Which LLM proposes items that nobody took in training.",
    )
    parser.add_argument("dataset", help="ml-100k, or any data set or path with titles")
    parser.add_argument("--encoder", required=True, help="a sentence encoder: directory or name")
    parser.add_argument("--share", type=float, default=0.2, help="of the items that are cold")
    parser.add_argument("--seed", type=int, default=0, help="of the cold items and the training")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    return parser


if __name__ == "__main__":
    sys.exit(main())
