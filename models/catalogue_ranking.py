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
    items = logits.shape[1]
    target_logit = logits.gather(1, target[:, None])
    # Counted in 32 bits, which sums of truth values are three times faster in.
    rank = 1 + items - (logits <= target_logit).sum(dim=1, dtype=torch.int32)
    equal = logits == target_logit
    tied = (equal.sum(dim=1, dtype=torch.int32) > 1).nonzero()[:, 0]
    if len(tied):
        lower_id = torch.arange(items, device=logits.device) < target[tied, None]
        rank[tied] += (equal[tied] & lower_id).sum(dim=1, dtype=torch.int32)
    hidden = torch.isneginf(target_logit[:, 0])
    return torch.where(hidden, 0, rank.clamp(max=items)).long()


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
