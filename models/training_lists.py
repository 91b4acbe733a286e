"""The LLM's lists that the SRM is trained on: generated once, in parts, and kept in the cache."""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.histories import seen_pairs
from models.numerics import NumericsPlan, computing
from models.prefixes import Prefixes
from models.weights import Weights, library_versions
from workloads import draws
from workloads.content_cache import ContentCache, Entry
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT, Progress

LISTS_VERSION = 2
"""Raised whenever the same weights and prefixes give other lists than before."""
FILLERS_VERSION = 2
"""Raised whenever the same lists are filled up with other items than before."""
PART = 2048
"""Prefixes in a part: what an interruption costs, and how often progress is told."""
FILLED_ROWS = 64
"""Lists filled up at a time: as many draws as a processor's cache holds."""
LISTS_FILE = "items.npy"


def training_prefixes(
    log: InteractionLog,
    train_stop: NDArray[np.int64],
    history: int,
    steps: int,
    most_per_user: int,
) -> Prefixes:
    """Return what comes before each training interaction that has something before it.

    The interactions of a user are cut from the newest backwards into runs of `steps`, and the
    prefixes of a run start together, `history` interactions before it: they grow as contexts do
    during a replay, and one causal pass reads them all.

    Args:
        log: the interactions.
        train_stop: int64, shape [users]: the first so many interactions of each user train.
        history: interactions before a run that its prefixes hold, at most.
        steps: interactions in a run.
        most_per_user: the newest so many interactions of a user count.
    """
    count = np.clip(train_stop - 1, 0, most_per_user)
    user = np.repeat(np.arange(log.users), count)
    within = np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)
    stop = (train_stop - count)[user] + within
    run_stop = train_stop[user] - (train_stop[user] - 1 - stop) // steps * steps
    return Prefixes(user, np.maximum(0, run_stop - steps - history), stop)


@dataclass(frozen=True)
class ListTask:
    """Lists to be generated: with the library versions, this determines them.

    Attributes:
        llm: whose lists.
        prefixes: R histories that it continues.
        count: items in a list.
        exclude_seen: leave out all items that the user took before.
        plan: how to compute.
    """

    llm: Weights
    prefixes: Prefixes
    count: int
    exclude_seen: bool
    plan: NumericsPlan

    def part(self, first: int) -> Prefixes:
        """Return the prefixes from `first` on that make one part."""
        return self.prefixes.part(np.arange(first, min(first + PART, len(self.prefixes))))

    def identity(self, part: Prefixes) -> dict[str, Any]:
        """Return everything that the lists of a part are a function of."""
        digest = hashlib.sha256()
        for column in (part.user, part.start, part.stop):
            digest.update(np.ascontiguousarray(column, np.int64).tobytes())
        task = self.llm.task
        return {
            "lists_version": LISTS_VERSION,
            "llm": self._llm,
            "log": task.corpus.log.content_hash,
            "history": task.corpus.history,
            "prefixes": digest.hexdigest(),
            "count": self.count,
            "exclude_seen": self.exclude_seen,
            "plan": asdict(self.plan),
            "versions": library_versions(),
        }

    @cached_property
    def _llm(self) -> list[Any]:
        """What the lists owe to the LLM; to find it out, all pretrained files are read once."""
        return [self.llm.task.architecture.list_identity(), self.llm.hash]


@dataclass(frozen=True)
class StoredLists:
    """Generated lists in the cache; nothing is read before it is asked for.

    Attributes:
        prefixes: R histories.
        count: N, items in a list.
        parts: where the lists of consecutive prefixes are.
        generate_s: seconds of generation in this process; 0 where the cache had them.
    """

    prefixes: Prefixes
    count: int
    parts: tuple[Entry, ...]
    generate_s: float

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) over all lists."""
        return hashlib.sha256(
            json.dumps([part.content_hash for part in self.parts]).encode()
        ).hexdigest()

    @property
    def item(self) -> NDArray[np.int32]:
        """The lists, best first: int32 [R, N]."""
        empty = np.zeros((0, self.count), np.int32)
        stored = [np.load(part.directory / LISTS_FILE, allow_pickle=False) for part in self.parts]
        return np.concatenate((empty, *stored))


def obtain_lists(task: ListTask, title: str, cache_dir: Path, progress: Progress) -> StoredLists:
    """Return the task's lists from the cache, generated first where the cache lacks them.

    Args:
        task: which lists.
        title: for progress, as "List candidates for training".
        cache_dir: holds `lists/`.
        progress: told of what is generated.
    """
    cache = ContentCache(cache_dir / "lists")
    parts = [task.part(first) for first in range(0, len(task.prefixes), PART)]
    entries = [cache.find(task.identity(part)) for part in parts]
    missing = [i for i, entry in enumerate(entries) if entry is None]
    started_s = time.perf_counter()
    if missing:
        source = task.llm.source(task.exclude_seen, task.plan)

        def generate(part: Prefixes, directory: Path) -> dict[str, Any]:
            with computing(task.plan):
                lists = source.lists(part, task.count)
            np.save(directory / LISTS_FILE, lists.item)
            return {"invalid": int(lists.invalid.sum())}

        with progress.phase(title, sum(len(parts[i]) for i in missing)) as advance:
            for i in missing:
                part = parts[i]
                entries[i] = cache.add(task.identity(part), partial(generate, part))
                advance(len(part))
    return StoredLists(
        prefixes=task.prefixes,
        count=task.count,
        parts=tuple(entry for entry in entries if entry is not None),
        generate_s=time.perf_counter() - started_s if missing else 0.0,
    )


def uniform_fillers(
    log: InteractionLog,
    prefixes: Prefixes,
    item: NDArray[np.int32],
    count: int,
    seed: int,
    progress: Progress = SILENT,
) -> NDArray[np.int32]:
    """Return items drawn uniformly from those that are neither seen, nor listed, nor taken next.

    Args:
        log: the interactions.
        prefixes: R histories.
        item: int32, shape [R, N]: the lists.
        count: fillers of each list.
        seed: the draw of an item is a function of it and of the target's place in the log, whatever
            other prefixes there are.
        progress: told of the lists that are filled up.

    Returns:
        int32, shape [R, count]. Where fewer are left, seen items follow.
    """
    filler = np.zeros((len(prefixes), count), np.int32)
    taken = prefixes.taken(log)
    target_place = log.offsets[prefixes.user] + prefixes.stop
    with progress.phase("Fill up the training lists", len(prefixes)) as advance:
        for first in range(0, len(prefixes), FILLED_ROWS):
            rows = np.arange(first, min(first + FILLED_ROWS, len(prefixes)))
            draw = np.stack(
                [
                    draws.uniform(seed, "training list fillers", place, len(log.catalogue))
                    for place in target_place[rows].tolist()
                ]
            )
            within = np.arange(len(rows))
            draw[seen_pairs(log, prefixes.user[rows], prefixes.stop[rows])] += 1
            draw[within[:, None], item[rows]] += 2
            draw[within, taken[rows]] = 4
            lowest = np.argpartition(draw, count - 1, axis=1)[:, :count]
            order = np.take_along_axis(draw, lowest, axis=1).argsort(axis=1)
            filler[rows] = np.take_along_axis(lowest, order, axis=1)
            advance(len(rows))
    return filler
