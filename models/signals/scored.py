"""The signals that the SRM's scores of a list give, by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.cells import ById
from models.consistency import footrule_consistency
from models.signals.certainty import entropy, margin
from models.signals.kendall import kendall_agreement
from models.signals.names import named
from models.signals.overlap import rank_biased_overlap, top_overlap


@dataclass(frozen=True)
class ScoredLists:
    """Lists that the SRM has scored at some steps, and once when it knew no more than their maker.

    Attributes:
        lists: the lists by id, at S steps of U users.
        basis_logit: float32, shape [U, N]: the SRM's logits given the lists' bases, in the order of
            the lists' maker.
    """

    lists: ById
    basis_logit: NDArray[np.float32]

    @cached_property
    def basis_rank(self) -> NDArray[np.int32]:
        """Rank of each item left in the SRM's order given the basis: int32 [U, S, N]."""
        logit = np.take_along_axis(self.basis_logit, self.lists.place, axis=1)
        order = np.argsort(-logit, axis=1, kind="stable")[:, None, :]
        back = np.argsort(order, axis=2)
        left_in_order = np.take_along_axis(self.lists.left, order, axis=2)
        rank = np.cumsum(left_in_order, axis=2, dtype=np.int32)
        return np.take_along_axis(rank, back, axis=2)

    def signals(self, names: Iterable[str]) -> dict[str, NDArray[np.float32]]:
        """Return some signals of every user and step: float32 [U, S] each.

        Raises:
            KeyError: the scores give no such signal.
        """
        return {name: named(SCORED_SIGNALS, name)(self) for name in names}


def _footrule(of: ScoredLists) -> NDArray[np.float32]:
    return footrule_consistency(of.lists.maker_rank, of.lists.srm_rank, of.lists.left)


def _kendall(of: ScoredLists) -> NDArray[np.float32]:
    return kendall_agreement(of.lists.maker_rank, of.lists.srm_rank, of.lists.left)


def _rank_biased_overlap(of: ScoredLists) -> NDArray[np.float32]:
    return rank_biased_overlap(of.lists.maker_rank, of.lists.srm_rank, of.lists.left)


def _top_overlap(of: ScoredLists) -> NDArray[np.float32]:
    return top_overlap(of.lists.maker_rank, of.lists.srm_rank, of.lists.left)


def _entropy(of: ScoredLists) -> NDArray[np.float32]:
    return entropy(of.lists.logit, of.lists.left)


def _margin(of: ScoredLists) -> NDArray[np.float32]:
    return margin(of.lists.logit, of.lists.left)


def _self_consistency(of: ScoredLists) -> NDArray[np.float32]:
    return footrule_consistency(of.basis_rank, of.lists.srm_rank, of.lists.left)


SCORED_SIGNALS: Mapping[str, Callable[[ScoredLists], NDArray[np.float32]]] = {
    "footrule": _footrule,
    "kendall": _kendall,
    "rank_biased_overlap": _rank_biased_overlap,
    "top_overlap": _top_overlap,
    "entropy": _entropy,
    "margin": _margin,
    "self_consistency": _self_consistency,
}
"""Agreement of the maker's order and the SRM's (the first four), the SRM's certainty, and agreement
of its order with the one that it had when the list was made."""
