"""Cells: what a device that holds a list shows, and how the two models agree, at each step."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.consistency import footrule_consistency
from models.fusion import VARIANTS, Variant, fuse, opinion


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
    fused_rank: dict[Variant, NDArray[np.int64]]


@dataclass(frozen=True)
class FoundTargets:
    """The held lists that contain what the user takes, their items in the order of the ids.

    Attributes:
        maker_rank: int32, shape [M, N]: rank of each item left in the maker's order.
        left: bool, shape [M, N].
        p: float64, shape [M, N]: the SRM's opinion.
        is_target: bool, shape [M, N]: one item of each list.
    """

    maker_rank: NDArray[np.int32]
    left: NDArray[np.bool_]
    p: NDArray[np.float64]
    is_target: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the lists of several parts, of which there is at least one."""
        names = (field.name for field in fields(cls))
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def ranks(self, variant: Variant, learned_weight: float) -> NDArray[np.int64]:
        """Return the 1-based rank of each target as shown under a fusion variant: int64 [M].

        Where its value is no number it comes last, and it comes after all whose value is none.
        """
        count = self.left.sum(axis=1, keepdims=True)
        value = fuse(variant, self.maker_rank, count, self.p, learned_weight)
        target = self.is_target.argmax(axis=1)[:, None]
        target_value = np.take_along_axis(value, target, axis=1)
        lower_id = np.arange(value.shape[1]) < target
        ahead = ~(value <= target_value) | ((value == target_value) & lower_id)
        return np.asarray(np.minimum(1 + (ahead & self.left).sum(axis=1), count[:, 0]))


@dataclass(frozen=True)
class ById:
    """Held lists with their items in the order of the ids.

    So a stable sort by score places the lower id first where scores are equal.

    Attributes:
        maker_rank: int32, shape [U, S, N]: rank of each item left in the maker's order.
        left: bool, shape [U, S, N].
        logit: float32, shape [U, S, N].
        is_target: bool, shape [U, S, N]: left, and what the user takes.
        place: int64, shape [U, N]: where in the maker's list each item is, from 0.
    """

    maker_rank: NDArray[np.int32]
    left: NDArray[np.bool_]
    logit: NDArray[np.float32]
    is_target: NDArray[np.bool_]
    place: NDArray[np.int64]

    @classmethod
    def of(cls, lists: HeldLists) -> Self:
        """Return the lists by id."""
        place = np.argsort(lists.item, axis=1, kind="stable")
        by_id = place[:, None, :]
        left = np.take_along_axis(lists.left, by_id, axis=2)
        item = np.take_along_axis(lists.item[:, None, :], by_id, axis=2)
        return cls(
            maker_rank=np.take_along_axis(
                np.cumsum(lists.left, axis=2, dtype=np.int32), by_id, axis=2
            ),
            left=left,
            logit=np.take_along_axis(lists.logit, by_id, axis=2),
            is_target=(item == lists.target[:, :, None]) & left,
            place=place,
        )

    @property
    def found(self) -> NDArray[np.bool_]:
        """Whether each list contains the target: bool [U, S]."""
        return np.asarray(self.is_target.any(axis=2))

    @property
    def list_rank(self) -> NDArray[np.int64]:
        """Rank of the target in the maker's order: int64 [U, S]; 0 is a miss."""
        return np.asarray(np.where(self.is_target, self.maker_rank, 0).sum(axis=2))

    @cached_property
    def srm_rank(self) -> NDArray[np.int32]:
        """Rank of each item left in the SRM's order: int32 [U, S, N]; others come after them."""
        return _ranks(np.where(self.left, self.logit, -np.inf))

    def targets(self, binary_logits: bool) -> FoundTargets:
        """Return the lists that contain the target."""
        found = self.found
        left = self.left[found]
        p = opinion(self.logit[found], left, binary_logits)
        return FoundTargets(self.maker_rank[found], left, p, self.is_target[found])


def evaluate(by_id: ById, binary_logits: bool, learned_weight: float) -> Cells:
    """Return consistency and ranks of every user and step.

    Args:
        by_id: what the users hold.
        binary_logits: whether the SRM was trained with binary cross-entropy.
        learned_weight: the SRM's weight in the learned fusion.
    """
    targets = by_id.targets(binary_logits)
    fused_rank = {variant: np.zeros(by_id.found.shape, np.int64) for variant in VARIANTS}
    for variant, rank in fused_rank.items():
        rank[by_id.found] = targets.ranks(variant, learned_weight)
    return Cells(
        consistency=footrule_consistency(by_id.maker_rank, by_id.srm_rank, by_id.left),
        list_rank=by_id.list_rank,
        fused_rank=fused_rank,
    )


def _ranks(score: NDArray[Any]) -> NDArray[np.int32]:
    """Return 1-based ranks along the last axis, highest first; equal scores keep their order."""
    order = np.argsort(-score, axis=-1, kind="stable")
    ranks = np.empty(score.shape, np.int32)
    np.put_along_axis(ranks, order, np.arange(1, score.shape[-1] + 1, dtype=np.int32), axis=-1)
    return ranks
