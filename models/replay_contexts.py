"""The replay windows of a group of users, and the SRM's reading of the contexts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.histories import Pieces, length_groups
from models.numerics import NumericsPlan
from models.prefixes import Ints, Prefixes
from models.reading import read
from models.recommender import Recommender
from models.settings import CandidateSettings
from workloads.interaction_log import InteractionLog
from workloads.splits import Split


@dataclass(frozen=True)
class Replay:
    """What is replayed, and what the models are given.

    Attributes:
        log: the interactions.
        split: whose interactions are replayed, and which.
        history: interactions before the replay window that the models are given as context.
        first_list_age_steps: interactions that the preloaded list's basis lacks of H_0; fewer than
            any replayed user's context has.
        candidates: size of the lists, and whether seen items are left out.
    """

    log: InteractionLog
    split: Split
    history: int
    first_list_age_steps: int
    candidates: CandidateSettings

    @property
    def steps(self) -> int:
        """T, interactions in a replay window."""
        return self.split.replay_steps

    @property
    def contexts(self) -> Ints:
        """Interactions of each replayed user's context before the window: int64, shape [users]."""
        return np.minimum(self.split.replay_start[self.split.device_users], self.history)


@dataclass(frozen=True)
class ReplayGroup:
    """Some users of a replay, and the SRM's reading of their contexts.

    Bases and steps are counted from the replay window: the history H_t ends before interaction t,
    and a basis before the window is negative.

    Attributes:
        member: int64, shape [U]: positions in the split's `device_users`.
        user: int64, shape [U]: positions in the log.
        start: int64, shape [U]: where the window starts in the user's whole history.
        context: int64, shape [U]: interactions of the context before the window, at least 1.
        first_step: the step of the first column of `window`.
        window: int32, shape [U, W]: items taken at steps `first_step` .. T-1; -1 before the log.
        srm: the SRM's reading, as `encode` returns it.
    """

    member: Ints
    user: Ints
    start: Ints
    context: Ints
    first_step: int
    window: NDArray[np.int32]
    srm: Tensor

    def part(self, row: Ints) -> "ReplayGroup":
        """Return some users of the group."""
        return ReplayGroup(
            self.member[row],
            self.user[row],
            self.start[row],
            self.context[row],
            self.first_step,
            self.window[row],
            self.srm[torch.from_numpy(row).to(self.srm.device)],
        )

    def taken(self, row: Ints, step: Ints) -> Ints:
        """Return the items that users `row` take at `step`."""
        return self.window[row, step - self.first_step].astype(np.int64)

    def position(self, row: Ints, basis: Ints) -> Ints:
        """Return the context position of the last interaction before `basis` of users `row`."""
        return self.context[row] + basis - 1

    def prefixes(self, row: Ints, basis: Ints) -> Prefixes:
        """Return the contexts of users `row` up to each basis."""
        start = self.start[row]
        return Prefixes(self.user[row], start - self.context[row], start + basis)


def replay_batches(replay: Replay, plan: NumericsPlan, member: Ints | None = None) -> list[Ints]:
    """Return replayed users in groups of like context length, shortest first.

    Args:
        replay: what is replayed.
        plan: how to compute.
        member: int64: which of them, by position in the split's `device_users`; all by default.

    Returns:
        Arrays of positions in the split's `device_users`: int64.
    """
    member = np.arange(len(replay.split.device_users)) if member is None else member
    length = replay.contexts[member] + replay.steps - 1
    return [member[group] for group in length_groups(length, plan.batch_positions)]


def replay_group(
    replay: Replay, member: Ints, first_step: int, srm: Recommender, plan: NumericsPlan
) -> ReplayGroup:
    """Return some replayed users, their contexts read.

    Args:
        replay: what is replayed.
        member: int64, shape [U]: positions in the split's `device_users`.
        first_step: the earliest step whose item is asked for; not above 0.
        srm: in evaluation mode.
        plan: how to compute.
    """
    log = replay.log
    user, context = replay.split.device_users[member], replay.contexts[member]
    start = replay.split.replay_start[user]
    pieces = Pieces(log.offsets[user] + start - context, context + replay.steps - 1)
    histories = plan.tensor(pieces.padded(log, np.arange(len(member))))
    position = start[:, None] + np.arange(first_step, replay.steps)
    item = log.items[log.offsets[user][:, None] + np.maximum(position, 0)]
    return ReplayGroup(
        member=member,
        user=user,
        start=start,
        context=context,
        first_step=first_step,
        window=np.where(position >= 0, item, -1).astype(np.int32),
        srm=read(srm, histories, plan),
    )


def replay_groups(
    replay: Replay,
    first_step: int,
    srm: Recommender,
    plan: NumericsPlan,
    member: Ints | None = None,
) -> Iterator[ReplayGroup]:
    """Yield replayed users, all by default, batch by batch; arguments as of `replay_group`."""
    for batch in replay_batches(replay, plan, member):
        yield replay_group(replay, batch, first_step, srm, plan)
