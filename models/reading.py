"""Reading histories in the plan's precision; whatever is scored afterwards is float32."""

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor

from models.matrix_products import fast_products
from models.numerics import NumericsPlan
from models.recommender import Recommender

CACHED_POSITIONS = 2048
"""Positions read at a time on a CPU: what layers pass on to each other stays in its cache."""


def precision(plan: NumericsPlan) -> AbstractContextManager[Any]:
    """Return the context for inference in which matrix products have the plan's precision.

    In bfloat16, sums that need more (norms, softmax) stay in float32: torch's autocast.
    """
    if plan.dtype == "bfloat16":
        return torch.autocast(plan.device, dtype=torch.bfloat16)
    return fast_products(plan)


def encode(model: Recommender, histories: Tensor) -> Tensor:
    """Return what one pass of a model makes of some histories: int64 [B, L] -> [B, L, width]."""
    return model.encode(histories)


def read(model: Recommender, histories: Tensor, plan: NumericsPlan) -> Tensor:
    """Return what the model made of some histories, in float32 whatever it computed in.

    Logits are always computed in float32 from it: bfloat16 has 8 significant bits, so of a whole
    catalogue's logits many would be equal, and item ids would decide their order.

    Args:
        model: a recommender.
        histories: int64, shape [B, L], padded on the right.
        plan: how to compute.

    Returns:
        float32, shape [B, L, width].
    """
    rows = max(1, len(histories))
    if plan.device == "cpu":
        rows = max(1, CACHED_POSITIONS // max(1, histories.shape[1]))
    with precision(plan):
        return torch.cat([encode(model, part).float() for part in torch.split(histories, rows)])
