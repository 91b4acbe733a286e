"""An SRM's scores of lists of their own after many prefixes."""

import numpy as np
import torch
from numpy.typing import NDArray

from models.errors import NotNumbers
from models.numerics import NumericsPlan
from models.prefixes import Prefixes, prefix_groups
from models.reading import read
from models.recommender import Recommender
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT, Progress


def list_logits(
    model: Recommender,
    log: InteractionLog,
    prefixes: Prefixes,
    item: NDArray[np.int32],
    plan: NumericsPlan,
    progress: Progress = SILENT,
) -> NDArray[np.float32]:
    """Return the logits of one list after each prefix.

    Args:
        model: in evaluation mode.
        log: the interactions.
        prefixes: R histories.
        item: int32, shape [R, N]: the lists.
        plan: how to compute.
        progress: told of the lists that are scored.

    Returns:
        float32, shape [R, N].

    Raises:
        NotNumbers: some of them are none.
    """
    logit = np.zeros(item.shape, np.float32)
    with progress.phase("Score candidate lists", len(prefixes)) as advance, torch.inference_mode():
        for group in prefix_groups(log, prefixes, plan.batch_positions):
            encoded = read(model, plan.tensor(group.histories), plan)
            for first in range(0, len(group.member), plan.ranking_rows):
                part = slice(first, first + plan.ranking_rows)
                member = group.member[part]
                row, step, candidates = (
                    plan.tensor(values)
                    for values in (group.row[part], group.step[part], item[member].astype(np.int64))
                )
                scored = model.score_lists(encoded, row, step, candidates)
                logit[member] = scored.float().cpu().numpy()
                advance(len(member))
    if np.isnan(logit).any():
        raise NotNumbers
    return logit
