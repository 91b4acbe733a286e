"""One simulated world in which devices score with other than the shipped parameters."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from models.adaptation.replay_lists import ReplayLists, ShownLists
from models.errors import ModelError
from models.numerics import NumericsPlan
from models.prefixes import Ints
from models.signals.names import SIGNALS, named
from models.signals.scored import SCORED_SIGNALS

STEP_SIZE_KEY = "models.adaptation.learning_rate"

CHUNK = 16
"""Devices computed at a time. There are always as many, the last ones repeated where there are
fewer, so that no result depends on who shares a batch."""

Key = tuple[int, int, int]
"""A device, a version of its parameters, and the row of a list."""


def chunks(members: int) -> Iterator[tuple[Ints, int]]:
    """Yield (`CHUNK` positions, how many of them count), for all of `members` positions."""
    for first in range(0, members, CHUNK):
        position = np.arange(first, first + CHUNK)
        yield np.minimum(position, members - 1), min(CHUNK, members - first)


class AdaptedWorld(ABC):
    """Answers what lists show with the parameters in force; what it has computed it keeps.

    Args:
        user: int64, shape [devices]: positions in the split's `device_users`.
        lists: the lists of the outcome tables.
        plan: how to compute.
        spend: told the seconds that models ran.
    """

    def __init__(
        self,
        user: Ints,
        lists: ReplayLists,
        plan: NumericsPlan,
        spend: Callable[[float], None],
    ) -> None:
        self._user = user
        self._lists = lists
        self._plan = plan
        self._spend = spend
        self._asked: list[str] = []  # the signals that are read; no others are computed
        self._signals: dict[str, dict[Key, NDArray[np.float32]]] = {name: {} for name in SIGNALS}

    @abstractmethod
    def _logits(self, device: Ints, version: Ints, row: Ints) -> NDArray[np.float32]:
        """Return the SRM's logits of `CHUNK` lists at all steps: float32 [CHUNK, T, N]."""

    def _scored(self, device: Ints, version: Ints, row: Ints) -> NDArray[np.float32]:
        """Return the logits of `CHUNK` lists at all steps: float32 [CHUNK, T, N].

        Raises:
            ModelError: some of them are no numbers.
        """
        logits = self._logits(device, version, row)
        if not np.isfinite(logits).all():
            raise ModelError(
                "the SRM diverged as it was re-trained along the run: its scores are no numbers "
                "any more; accepted: a smaller step size",
                STEP_SIZE_KEY,
            )
        return logits

    def _expected(self, device: int, version: int) -> Sequence[Key]:
        """Return what will be asked for soon, and is cheaper to compute beside a device's list."""
        del device, version  # nothing in particular
        return ()

    def signal(self, name: str, device: int, version: int, row: int) -> NDArray[np.float32]:
        """Return a signal of a list at every step, with a version of the parameters.

        Returns:
            float32, shape [T]; what is before the list's own step means nothing.

        `self_consistency` compares with the order of the same parameters at the list's own first
        step; those of rows T and T + 1 with step 0.

        Raises:
            KeyError: there is no such signal.
        """
        key, known = (device, version, row), named(self._signals, name)
        if key not in known:
            if name not in SCORED_SIGNALS:
                return self._unadapted(name, device, row)
            if name not in self._asked:
                self._asked.append(name)
            with self._computing():
                beside = self._expected(device, version)
                self._keep([key, *(other for other in beside if other != key)])
        return known[key]

    def _unadapted(self, name: str, device: int, row: int) -> NDArray[np.float32]:
        """Return a signal that has nothing to do with parameters: float32 [T]."""
        steps, shipped = self._lists.steps, self._lists.shipped
        first, offset = self._first(np.array(row)), int(shipped.cell_offset[row])
        values = np.zeros(steps, np.float32)
        values[first:] = shipped.signal(name)[self._user[device], offset + first : offset + steps]
        return values

    def _first(self, row: Ints) -> Ints:
        """Return the first step at which lists can be held."""
        return np.where(row < self._lists.steps, row, 0)

    def outcome(
        self, version: NDArray[np.int16], held_row: NDArray[np.int16], shown_row: NDArray[np.int16]
    ) -> ShownLists:
        """Return what devices showed with the parameters in force.

        Args:
            version: of the parameters in force: shape [devices, T].
            held_row: of the list held at each decision: shape [devices, T].
            shown_row: of the list shown: shape [devices, T].

        Returns:
            Arrays of the shape [devices, T]; the consistency is that of the held lists.
        """
        steps, user = np.arange(self._lists.steps), self._user[:, None]
        shipped = self._lists.shipped
        held, shown = shipped.cell_offset[held_row] + steps, shipped.cell_offset[shown_row] + steps
        outcome = ShownLists(
            consistency=np.array(shipped.consistency[user, held]),
            rank=shipped.rank[user, shown].astype(np.int64),
            srm_rank=self._lists.shipped_srm_rank[user, shown].astype(np.int64),
        )
        with self._computing():
            for (device, step), cells in self._cells(version, shown_row, version > 0):
                outcome.consistency[device, step] = cells.consistency
                outcome.rank[device, step] = cells.rank
                outcome.srm_rank[device, step] = cells.srm_rank
            waited = (version > 0) & (held_row != shown_row)
            for (device, step), cells in self._cells(version, held_row, waited):
                outcome.consistency[device, step] = cells.consistency
        return outcome

    def _cells(
        self, version: NDArray[np.int16], row: NDArray[np.int16], wanted: NDArray[np.bool_]
    ) -> Iterator[tuple[tuple[Ints, Ints], ShownLists]]:
        """Yield ((devices, steps), what came of their lists) for all wanted cells [devices, T].

        One version comes after the other, so that few are needed at a time.
        """
        device, step = np.nonzero(wanted)
        every = np.stack((version[wanted], device, row[wanted]), axis=1).astype(np.int64)
        keys, of_key = np.unique(every, axis=0, return_inverse=True)
        of_key = of_key.reshape(-1)
        for members, count in chunks(len(keys)):
            made, whose, held = keys[members].T
            logits = self._scored(whose, made, held)
            first = int(members[0])
            mine = np.flatnonzero((of_key >= first) & (of_key < first + count))
            at, there = device[mine], step[mine]
            logit = logits[of_key[mine] - first, there]
            rows = keys[of_key[mine], 2]
            yield (at, there), self._lists.evaluate(self._user[at], rows, there, logit)

    def _keep(self, keys: Sequence[Key]) -> None:
        """Compute and keep the signals of some lists that have been asked for."""
        every, steps = np.array(keys, np.int64), self._lists.steps
        for members, count in chunks(len(keys)):
            logits = self._scored(*every[members].T)[:count]
            device, _, row = every[members[:count]].T
            first = self._first(row)
            at, step = np.nonzero(np.arange(steps) >= first[:, None])
            signals = self._lists.signals(
                self._asked,
                self._user[device[at]],
                row[at],
                step,
                logits[at, step],
                logits[at, first[at]],
            )
            for name, cells in signals.items():
                values = np.zeros((count, steps), np.float32)
                values[at, step] = cells
                kept = zip((keys[m] for m in members[:count].tolist()), values, strict=True)
                self._signals[name].update(kept)

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Compute by the plan's threads."""
        # Nothing here is random, so nothing is seeded: that alone took a fifth of the time.
        started_s, threads = time.perf_counter(), torch.get_num_threads()
        torch.set_num_threads(self._plan.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            self._spend(time.perf_counter() - started_s)
