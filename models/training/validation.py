"""Validation: how well a model ranks the whole unseen catalogue for given interactions."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.catalogue_ranking import hide, target_ranks
from models.histories import Pieces, length_groups, seen_pairs
from models.numerics import NumericsPlan
from models.recommender import Recommender
from workloads.interaction_log import InteractionLog
from workloads.splits import Split


@dataclass(frozen=True)
class Targets:
    """Interactions to predict, each from its own user's history.

    Attributes:
        user: int64, shape [users]: positions in the log.
        context_start: int64, shape [users]: the first interaction that the model reads.
        first: int64, shape [users]: the first interaction to predict (at least 1).
        stop: int64, shape [users]: one past the last interaction to predict.
    """

    user: NDArray[np.int64]
    context_start: NDArray[np.int64]
    first: NDArray[np.int64]
    stop: NDArray[np.int64]


def calibration_targets(split: Split, history: int, most_users: int) -> Targets:
    """Return the calibration steps of at most `most_users` device users, evenly spaced."""
    users = split.device_users
    spaced = np.linspace(0, len(users) - 1, min(most_users, len(users))).astype(np.int64)
    user = users[spaced].astype(np.int64)
    first, stop = split.calibration_start[user], split.replay_start[user]
    kept = (stop > first) & (first >= 1)
    user, first, stop = user[kept], first[kept], stop[kept]
    return Targets(user, np.maximum(0, first - history), first, stop)


def ranks(
    model: Recommender,
    log: InteractionLog,
    targets: Targets,
    plan: NumericsPlan,
    exclude_seen: bool = True,
) -> NDArray[np.int64]:
    """Return the 1-based rank of every target in the catalogue; 0 where it is excluded as seen.

    Args:
        model: in evaluation mode.
        log: the interactions.
        targets: what to predict.
        plan: how to compute.
        exclude_seen: leave out all items that the user took before the target.

    Returns:
        int64, shape [sum of stop - first], users in order and their targets in time order.
    """
    counts = targets.stop - targets.first
    found = np.zeros(int(counts.sum()), np.int64)
    place = np.cumsum(counts) - counts
    start = log.offsets[targets.user] + targets.context_start
    inputs = Pieces(start, targets.stop - 1 - targets.context_start)
    with torch.inference_mode():
        for group in length_groups(inputs.length, plan.batch_positions):
            histories = torch.from_numpy(inputs.padded(log, group)).to(plan.device)
            encoded = model.encode(histories)
            row = np.repeat(np.arange(len(group)), counts[group])
            within = np.arange(len(row)) - np.repeat(
                np.cumsum(counts[group]) - counts[group], counts[group]
            )
            member = group[row]
            position = targets.first[member] + within
            for cut in range(0, len(row), plan.ranking_rows):
                part = slice(cut, cut + plan.ranking_rows)
                user, at = targets.user[member[part]], position[part]
                step = at - 1 - targets.context_start[member[part]]
                logits = model.score_catalogue(
                    encoded,
                    torch.from_numpy(row[part]).to(plan.device),
                    torch.from_numpy(step).to(plan.device),
                )
                if exclude_seen:
                    seen_row, seen_item = seen_pairs(log, user, at)
                    hide(
                        logits,
                        torch.from_numpy(seen_row).to(plan.device),
                        torch.from_numpy(seen_item).to(plan.device),
                    )
                taken = torch.from_numpy(log.items[log.offsets[user] + at].astype(np.int64))
                rank = target_ranks(logits, taken.to(plan.device))
                found[place[member[part]] + within[part]] = rank.cpu().numpy()
    return found


def ndcg(rank: NDArray[np.int64], cutoff: int) -> float:
    """Return the mean NDCG at a cut-off: 1 / log2(1 + rank) of each target, 0 beyond it.

    Järvelin and Kekäläinen 2002, with one relevant item (so the ideal gain is 1).
    """
    hit = (rank >= 1) & (rank <= cutoff)
    gain = np.where(hit, 1.0 / np.log2(1.0 + np.maximum(rank, 1)), 0.0)
    return float(gain.mean()) if len(gain) else 0.0
