"""The lists that an LLM generates for groups of users, from every basis that is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.candidate_source import CandidateSource
from models.prefixes import Ints
from models.replay_contexts import ReplayGroup
from workloads.progress import Advance


@dataclass(frozen=True)
class GeneratedLists:
    """Lists of one group of users.

    Attributes:
        bases: int64, shape [bases], ascending.
        made: bool, shape [U, bases]: which lists there are; what the others hold means nothing.
        item: int32, shape [U, bases, N], best first.
        score: float32, shape [U, bases, N].
        invalid: int32, shape [U, bases]: candidates of each list that were no items.
        rank: int64, shape [U, T]: of the item taken at each step among all that the LLM can say.
    """

    bases: Ints
    made: NDArray[np.bool_]
    item: NDArray[np.int32]
    score: NDArray[np.float32]
    invalid: NDArray[np.int32]
    rank: Ints

    def at(self, basis: int) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]:
        """Return (items [U, N], scores [U, N], invalid [U]) of the lists of one basis."""
        column = int(np.searchsorted(self.bases, basis))
        return self.item[:, column], self.score[:, column], self.invalid[:, column]

    def part(self, row: Ints) -> "GeneratedLists":
        """Return the lists of some users of the group."""
        return GeneratedLists(
            self.bases,
            self.made[row],
            self.item[row],
            self.score[row],
            self.invalid[row],
            self.rank[row],
        )


def generate_lists(
    group: ReplayGroup,
    bases: Ints,
    wanted: NDArray[np.bool_],
    llm: CandidateSource,
    count: int,
    advance: Advance,
) -> GeneratedLists:
    """Return the LLM's lists for a group of users, and its ranks of what they take.

    Args:
        group: U users.
        bases: int64, shape [bases], ascending; 0 .. T-1 are among them.
        wanted: bool, shape [U, bases]: lists to make; from 0 on, all are.
        llm: makes them.
        count: N, items in a list.
        advance: told of the lists that are made.
    """
    row, column = np.nonzero(wanted)
    basis = bases[column]
    taken = np.where(basis >= 0, group.taken(row, basis), -1)
    lists, rank = llm.lists_and_ranks(group.prefixes(row, basis), count, taken, _Told(advance))
    item = np.zeros((*wanted.shape, count), np.int32)
    score = np.zeros((*wanted.shape, count), np.float32)
    invalid = np.zeros(wanted.shape, np.int32)
    item[row, column], score[row, column] = lists.item, lists.score
    invalid[row, column] = lists.invalid
    ranks = rank[basis >= 0].reshape(len(wanted), -1)
    return GeneratedLists(bases, wanted, item, score, invalid, ranks)


class _Told:
    """Progress of a part of a phase: its amounts are the phase's own."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance

    @contextmanager
    def phase(self, title: str, total: float) -> Iterator[Advance]:  # noqa: ARG002
        """Go on with the phase."""
        yield self._advance
