"""Cells: what a device that holds a list shows, and how the two models agree, at each step."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.consistency import footrule_consistency
from models.fusion import VARIANTS, fuse, opinion


@dataclass(frozen=True)
class HeldLists:
    """One list for each of U users, held over S steps.

    Attributes:
        item: int, shape [U, N], in the order of the list's maker.
        logit: float32, shape [U, S, N]: the SRM's logits of the items at each step.
        left: bool, shape [U, S, N]: items not dropped because the user has taken them since.
        target: int, shape [U, S]: the item that the user takes at each step.
    """

    item: NDArray[Any]
    logit: NDArray[np.float32]
    left: NDArray[np.bool_]
    target: NDArray[Any]


@dataclass(frozen=True)
class Cells:
    """What comes of held lists.

    Attributes:
        consistency: float32, shape [U, S].
        list_rank: int64, shape [U, S]: rank of the target in the maker's order; 0 is a miss.
        fused_rank: for each fusion variant, rank of the target as shown: int64, shape [U, S].
    """

    consistency: NDArray[np.float32]
    list_rank: NDArray[np.int64]
    fused_rank: dict[int, NDArray[np.int64]]


def evaluate(lists: HeldLists, binary_logits: bool) -> Cells:
    """Return consistency and ranks of every user and step.

    The items are first put in the order of their ids, so that a stable sort by score places the
    lower id first where scores are equal.
    """
    by_id = np.argsort(lists.item, axis=1, kind="stable")[:, None, :]
    maker_rank = np.take_along_axis(np.cumsum(lists.left, axis=2), by_id, axis=2)
    left = np.take_along_axis(lists.left, by_id, axis=2)
    logit = np.take_along_axis(lists.logit, by_id, axis=2)
    item = np.take_along_axis(lists.item[:, None, :], by_id, axis=2)

    srm_rank = _ranks(np.where(left, logit, -np.inf))
    is_target = (item == lists.target[:, :, None]) & left
    found = is_target.any(axis=2)

    rank = {variant: np.zeros(found.shape, np.int64) for variant in VARIANTS}
    hit, hit_left = maker_rank[found], left[found]
    p = opinion(logit[found], hit_left, binary_logits)
    for variant in VARIANTS:
        value = fuse(variant, hit, hit_left.sum(axis=1, keepdims=True), p)
        rank[variant][found] = _rank_of(value, is_target[found], hit_left)
    list_rank = np.where(is_target, maker_rank, 0).sum(axis=2)
    return Cells(footrule_consistency(maker_rank, srm_rank, left), list_rank, rank)


def _ranks(score: NDArray[Any]) -> NDArray[np.int64]:
    """Return 1-based ranks along the last axis, highest first; equal scores keep their order."""
    order = np.argsort(-score, axis=-1, kind="stable")
    ranks = np.empty(score.shape, np.int64)
    np.put_along_axis(ranks, order, np.arange(1, score.shape[-1] + 1), axis=-1)
    return ranks


def _rank_of(
    value: NDArray[np.float64], is_target: NDArray[np.bool_], left: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the 1-based rank of the one target of each row among the items left: [M, N] -> [M]."""
    target = is_target.argmax(axis=1)[:, None]
    target_value = np.take_along_axis(value, target, axis=1)
    lower_id = np.arange(value.shape[1]) < target
    ahead = (value > target_value) | ((value == target_value) & lower_id)
    return np.asarray(1 + (ahead & left).sum(axis=1))
