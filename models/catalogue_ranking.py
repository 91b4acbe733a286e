"""Exact ranking over the whole catalogue. Equal scores: the lower item id comes first."""

import torch
from torch import Tensor


def hide(logits: Tensor, row: Tensor, item: Tensor) -> None:
    """Set the logits of (row, item) pairs to minus infinity, in place."""
    logits[row, item] = -torch.inf


def target_ranks(logits: Tensor, target: Tensor) -> Tensor:
    """Return the 1-based rank of one item a row; 0 where that item is hidden.

    Where it has no number for a logit it comes last, and it comes after all that have none.

    Args:
        logits: float, shape [R, items]; minus infinity hides an item.
        target: int64, shape [R].

    Returns:
        int64, shape [R].
    """
    target_logit = logits.gather(1, target[:, None])
    lower_id = torch.arange(logits.shape[1], device=logits.device) < target[:, None]
    ahead = ~(logits <= target_logit) | ((logits == target_logit) & lower_id)
    hidden = torch.isneginf(target_logit[:, 0])
    rank = (1 + ahead.sum(dim=1)).clamp(max=logits.shape[1])
    return torch.where(hidden, 0, rank)


def top(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the `count` best items of each row and their logits, best first.

    `torch.topk` leaves open which of equal scores it returns, so rows with a tie at the cut are
    sorted in full.

    Args:
        logits: float, shape [R, items].
        count: at most the number of items.

    Returns:
        (ids int64, logits float), both of shape [R, count].
    """
    items = logits.shape[1]
    best, ids = logits.topk(min(count + 1, items), dim=1)
    if count < items:
        tied = (best[:, count - 1] == best[:, count]).nonzero()[:, 0]
        best, ids = best[:, :count].clone(), ids[:, :count].clone()
        if len(tied):
            order = logits[tied].sort(dim=1, descending=True, stable=True)
            best[tied], ids[tied] = order.values[:, :count], order.indices[:, :count]
    ids, by_id = ids.sort(dim=1)
    best, by_logit = best.gather(1, by_id).sort(dim=1, descending=True, stable=True)
    return ids.gather(1, by_logit), best
