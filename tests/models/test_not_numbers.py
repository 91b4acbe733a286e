"""Scores that are no numbers never make a rank better."""

import numpy as np
import pytest
import torch

from models.catalogue_ranking import target_ranks
from models.cells import ById, HeldLists, evaluate
from models.fusion import VARIANTS
from models.training.candidate_lists import list_ranks

NAN = np.nan
# (scores of items 0 to 3, rank of item 1): nothing is behind what is no number, nor before it.
SCORES = [
    ([NAN, NAN, NAN, NAN], 4),
    ([0.0, NAN, 0.0, 0.0], 4),
    ([0.0, 1.0, 0.0, NAN], 2),
    ([NAN, 1.0, 2.0, NAN], 4),
    ([1.0, 1.0, 0.0, 2.0], 3),
]


@pytest.mark.parametrize(("scores", "rank"), SCORES)
def test_ranks_in_the_catalogue(scores: list[float], rank: int) -> None:
    assert target_ranks(torch.tensor([scores]), torch.tensor([1])).tolist() == [rank]


@pytest.mark.parametrize(("scores", "rank"), SCORES)
def test_ranks_in_a_list(scores: list[float], rank: int) -> None:
    logit = np.array([scores], np.float32)
    item = np.arange(4, dtype=np.int32)[None]
    assert list_ranks(logit, item, np.array([1])).tolist() == [rank]


def test_ranks_as_shown() -> None:
    # The item taken is the maker's last: what the SRM says can only have moved it up.
    lists = HeldLists(
        item=np.array([[2, 0, 3, 1]]),
        logit=np.full((1, 1, 4), NAN, np.float32),
        left=np.ones((1, 1, 4), np.bool_),
        target=np.array([[1]]),
    )
    cells = evaluate(ById.of(lists), binary_logits=True, learned_weight=1.0)
    assert {variant: int(cells.fused_rank[variant][0, 0]) for variant in VARIANTS} == dict.fromkeys(
        VARIANTS, 4
    )
