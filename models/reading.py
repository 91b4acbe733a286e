"""Reading histories in the plan's precision; whatever is scored afterwards is float32."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor

from models.numerics import NumericsPlan
from models.recommender import Recommender


def precision(plan: NumericsPlan) -> AbstractContextManager[None]:
    """Return the context in which a model's matrix products have the plan's precision.

    In bfloat16, sums that need more (norms, softmax) stay in float32: torch's autocast.
    """
    reduced = plan.dtype == "bfloat16"
    context: AbstractContextManager[None] = torch.autocast(
        plan.device, dtype=torch.bfloat16, enabled=reduced
    )
    return context


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
    with precision(plan):
        encoded = model.encode(histories)
    return encoded.float()
