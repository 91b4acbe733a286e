"""The outcome tables of all replayed users, as they lie on disk: read without any model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.fusion import VARIANTS, Variant
from models.signals.names import SIGNALS, named

FRESHNESS_AGES = (0, 1, 2, 5, 10, 20)
"""List ages in steps at which the freshness curve is drawn."""


def cell_offsets(steps: int) -> NDArray[np.int64]:
    """Return where each row's cells are: the cell of row r at step t is `offsets[r] + t`.

    Row s < T has the steps s .. T-1; rows T (preloaded) and T+1 (popular) have all T steps.

    Returns:
        int64, shape [T + 2].
    """
    first_step = np.concatenate((np.arange(steps), (0, 0)))
    cells = steps - first_step
    offsets: NDArray[np.int64] = np.cumsum(cells) - cells - first_step
    return offsets


def cell_count(steps: int) -> int:
    """Return the number of cells of one user: T (T + 1) / 2 + 2 T."""
    return steps * (steps + 1) // 2 + 2 * steps


def signal_column(name: str) -> str:
    """Return which column has a signal of every cell."""
    return "consistency" if name == "footrule" else f"signal_{name}"


def fresh_column(name: str) -> str:
    """Return which column has a signal of every list when it was generated."""
    return "fresh_consistency" if name == "footrule" else f"fresh_{name}"


@dataclass(frozen=True)
class FusedTable:
    """The outcome table under one fusion variant: what the simulation reads.

    Attributes:
        steps: T, interactions in a replay window.
        candidate_count: items in a fresh list.
        cell_offset: int64, shape [T + 2].
        consistency: float32, shape [users, cells].
        fresh_consistency: float32, shape [users, T + 2].
        rank: unsigned, shape [users, cells]; 0 is a miss.
        signals: every signal by name: float32, shape [users, cells].
        fresh_signals: likewise of each list at its generation: float32, shape [users, T + 2].
    """

    steps: int
    candidate_count: int
    cell_offset: NDArray[np.int64]
    consistency: NDArray[np.float32]
    fresh_consistency: NDArray[np.float32]
    rank: NDArray[Any]
    signals: Mapping[str, NDArray[np.float32]]
    fresh_signals: Mapping[str, NDArray[np.float32]]

    def signal(self, name: str) -> NDArray[np.float32]:
        """Return a signal of each cell: float32, shape [users, cells].

        Raises:
            KeyError: there is no such signal.
        """
        return named(self.signals, name)

    def fresh_signal(self, name: str) -> NDArray[np.float32]:
        """Return a signal of each list when it was generated: float32, shape [users, T + 2].

        Raises:
            KeyError: there is no such signal.
        """
        return named(self.fresh_signals, name)


@dataclass(frozen=True)
class OutcomeShape:
    """The sizes of a store.

    Attributes:
        users: replayed users, in the order of the split's `device_users`.
        steps: T, interactions in a replay window.
        candidate_count: N, items in a fresh list.
    """

    users: int
    steps: int
    candidate_count: int

    def columns(self) -> dict[str, tuple[tuple[int, ...], DTypeLike]]:
        """Return the shape and dtype of every column of the store."""
        users, steps, count = self.users, self.steps, self.candidate_count
        cells = (users, cell_count(steps))
        forced = (users, len(FRESHNESS_AGES), steps)
        rank = np.min_scalar_type(count)
        return {
            "lists": ((users, steps + 1, count), np.int32),
            "list_scores": ((users, steps + 1, count), np.float32),
            "popular": ((users, count), np.int32),
            "full_rank_srm": ((users, steps), np.int32),
            "full_rank_llm": ((users, steps), np.int32),
            "freshness_valid": (forced, np.bool_),
            "freshness_consistency": (forced, np.float32),
            **{signal_column(name): (cells, np.float32) for name in SIGNALS},
            **{fresh_column(name): ((users, steps + 2), np.float32) for name in SIGNALS},
            **{f"rank_{variant}": (cells, rank) for variant in VARIANTS},
            **{f"freshness_rank_{variant}": (forced, rank) for variant in VARIANTS},
        }


class Outcomes:
    """Everything that the models contribute to a replay, memory-mapped.

    Replayed user u is position u of the split's `device_users`. Row s < T is the list generated at
    step s from the history H_s, row T the preloaded list, row T + 1 the popularity list. A device
    drops from a list what its user has taken since the list's basis.

    Attributes:
        shape: the sizes.
        cell_offset: int64, shape [T + 2]: the cell of row r at step t is `cell_offset[r] + t`.
        consistency: float32, shape [users, cells]: 1 - footrule / floor(n^2 / 2) of the list's own
            order (the LLM's, or popularity's) and the SRM's at step t, over the n items left: the
            signal `footrule`.
        fresh_consistency: float32, shape [users, T + 2]: each list's consistency at its generation
            (rows T + 1: at step 0).
        lists: int32, shape [users, T + 1, N]: the LLM's lists, best first, row T preloaded.
        list_scores: float32, shape [users, T + 1, N]: the LLM's logits of them.
        popular: int32, shape [users, N]: the items most popular in training that H_0 lacks.
        full_rank_srm: int32, shape [users, T]: rank of the item taken at step t in the SRM's order
            of the whole unseen catalogue given H_t; 0 where it was seen before.
        full_rank_llm: likewise of the LLM.
        freshness_ages: list ages a in steps: int64, shape [A].
        freshness_valid: bool, shape [users, A, T]: the basis H_{t-a} has at least one interaction
            inside the context.
        freshness_consistency: float32, shape [users, A, T]: at step t with the list of H_{t-a}; nan
            where not valid.
    """

    def __init__(self, directory: Path, shape: OutcomeShape) -> None:
        self._directory = directory
        self.shape = shape
        self.steps = shape.steps
        self.candidate_count = shape.candidate_count
        self.cell_offset = cell_offsets(shape.steps)
        self.freshness_ages = np.array(FRESHNESS_AGES, np.int64)
        self._signals = {name: self._column(signal_column(name)) for name in SIGNALS}
        self._fresh_signals = {name: self._column(fresh_column(name)) for name in SIGNALS}
        self.consistency: NDArray[np.float32] = self._signals["footrule"]
        self.fresh_consistency: NDArray[np.float32] = self._fresh_signals["footrule"]
        self.lists: NDArray[np.int32] = self._column("lists")
        self.list_scores: NDArray[np.float32] = self._column("list_scores")
        self.popular: NDArray[np.int32] = self._column("popular")
        self.full_rank_srm: NDArray[np.int32] = self._column("full_rank_srm")
        self.full_rank_llm: NDArray[np.int32] = self._column("full_rank_llm")
        self.freshness_valid: NDArray[np.bool_] = self._column("freshness_valid")
        self.freshness_consistency: NDArray[np.float32] = self._column("freshness_consistency")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle where the tables are mapped from, instead of all that is in them."""
        return type(self), (self._directory, self.shape)

    def signal(self, name: str) -> NDArray[np.float32]:
        """Return a signal of each cell: float32, shape [users, cells].

        Raises:
            KeyError: there is no such signal.
        """
        return named(self._signals, name)

    def fresh_signal(self, name: str) -> NDArray[np.float32]:
        """Return a signal of each list when it was generated: float32, shape [users, T + 2].

        That of row T is of its basis, that of row T + 1 of step 0.

        Raises:
            KeyError: there is no such signal.
        """
        return named(self._fresh_signals, name)

    def rank_by_fusion(self, variant: Variant) -> NDArray[Any]:
        """Return the rank of the item taken in the list as shown under a fusion variant.

        The popularity list is shown in popularity order under every variant.

        Returns:
            unsigned, shape [users, cells]; 0 is a miss.
        """
        return self._column(f"rank_{variant}")

    def freshness_rank(self, variant: Variant) -> NDArray[Any]:
        """Return the rank of the item taken at step t in the list of H_{t-a}, by fusion variant.

        Returns:
            unsigned, shape [users, A, T]; 0 is a miss, or not valid.
        """
        return self._column(f"freshness_rank_{variant}")

    def table(self, fusion: Variant) -> FusedTable:
        """Return the table that the simulation reads, under one fusion variant."""
        return FusedTable(
            self.steps,
            self.candidate_count,
            self.cell_offset,
            self.consistency,
            self.fresh_consistency,
            self.rank_by_fusion(fusion),
            self._signals,
            self._fresh_signals,
        )

    def _column(self, name: str) -> NDArray[Any]:
        column = np.load(self._directory / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        # Mapped all the same, but without what `np.memmap` does at every look-up.
        return np.asarray(column.view(np.ndarray))


class OutcomeWriter:
    """Fills a new store, some users at a time."""

    def __init__(self, directory: Path, shape: OutcomeShape) -> None:
        self._columns = {
            name: np.lib.format.open_memmap(
                directory / f"{name}.npy", mode="w+", dtype=np.dtype(dtype), shape=column_shape
            )
            for name, (column_shape, dtype) in shape.columns().items()
        }

    def write(self, users: NDArray[np.int64], columns: dict[str, NDArray[Any]]) -> None:
        """Write the rows of some users in every column.

        Raises:
            ValueError: a column is missing or unknown.
        """
        if columns.keys() != self._columns.keys():
            raise ValueError(f"columns differ: {sorted(columns.keys() ^ self._columns.keys())}")
        for name, values in columns.items():
            self._columns[name][users] = values

    def close(self) -> None:
        """Write everything to disk."""
        for column in self._columns.values():
            column.flush()
