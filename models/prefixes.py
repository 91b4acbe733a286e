"""Prefixes of users' histories: what a model is asked to continue."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.histories import Pieces, length_groups
from workloads.interaction_log import InteractionLog
from workloads.splits import Split

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Prefixes:
    """Histories to continue: prefix i holds interactions `start[i]` .. `stop[i]` - 1 of `user[i]`.

    Positions count from 0 within a user's own interactions. Prefixes of one user that start
    together grow from each other, so one causal pass reads them all.

    Attributes:
        user: int64, shape [R]: positions in the log.
        start: int64, shape [R]: the first interaction that the model reads.
        stop: int64, shape [R]: one past the last; above `start`.
    """

    user: Ints
    start: Ints
    stop: Ints

    def __len__(self) -> int:
        return len(self.user)

    def part(self, which: Ints) -> "Prefixes":
        """Return some of the prefixes: `which` of them, int64 [S]."""
        return Prefixes(self.user[which], self.start[which], self.stop[which])

    def taken(self, log: InteractionLog) -> Ints:
        """Return the items that come after the prefixes: int64 [R]."""
        return np.asarray(log.items[log.offsets[self.user] + self.stop], np.int64)


@dataclass(frozen=True)
class PrefixGroup:
    """Some prefixes, and the fewest histories that contain them.

    Attributes:
        member: int64, shape [R]: which of the prefixes.
        histories: int64, shape [B, L]: items, padded on the right.
        row: int64, shape [R]: the history that contains each prefix.
        step: int64, shape [R]: the position of its last item in that history.
    """

    member: Ints
    histories: Ints
    row: Ints
    step: Ints


def prefix_groups(
    log: InteractionLog, prefixes: Prefixes, batch_positions: int
) -> Iterator[PrefixGroup]:
    """Yield all prefixes in groups whose histories make batches of about `batch_positions`."""
    origin = log.offsets[prefixes.user] + prefixes.start
    start, history = np.unique(origin, return_inverse=True)
    length = np.zeros(len(start), np.int64)
    np.maximum.at(length, history, prefixes.stop - prefixes.start)
    pieces = Pieces(start, length)
    by_history = np.argsort(history, kind="stable")
    first = np.searchsorted(history[by_history], np.arange(len(start) + 1))
    for group in length_groups(length, batch_positions):
        member = np.concatenate([by_history[first[h] : first[h + 1]] for h in group])
        row = np.repeat(np.arange(len(group)), first[group + 1] - first[group])
        step = prefixes.stop[member] - prefixes.start[member] - 1
        yield PrefixGroup(member, pieces.padded(log, group), row, step)


def calibration_prefixes(split: Split, history: int, most_users: int) -> Prefixes:
    """Return what comes before each calibration step of at most `most_users` device users.

    The users are evenly spaced. A step that has nothing before it is left out.
    """
    users = split.device_users
    spaced = np.linspace(0, len(users) - 1, min(most_users, len(users))).astype(np.int64)
    user = users[spaced].astype(np.int64)
    first, stop = np.maximum(split.calibration_start[user], 1), split.replay_start[user]
    steps = np.maximum(stop - first, 0)
    row = np.repeat(np.arange(len(user)), steps)
    within = np.arange(len(row)) - np.repeat(np.cumsum(steps) - steps, steps)
    start = np.maximum(0, split.calibration_start[user] - history)
    return Prefixes(user[row], start[row], first[row] + within)
