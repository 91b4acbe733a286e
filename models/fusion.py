"""Ways to fuse the LLM's and the SRM's order of a list: LSC4Rec's five, and a fitted one.

All are functions of r, the rank in the LLM's order from 1 to n; n, the items left in the list; and
p in (0, 1), the SRM's opinion. The item with the highest value is shown first. The five are those
of arXiv 2501.05647.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Variant = Literal[1, 2, 3, 4, 5, "learned"]
VARIANTS: tuple[Variant, ...] = (1, 2, 3, 4, 5, "learned")
SURE = 0.4
"""Variant 2 listens to the SRM where |p - 0.5| exceeds this."""

Floats = NDArray[np.float64]


def opinion(logit: NDArray[Any], left: NDArray[np.bool_], binary_logits: bool) -> Floats:
    """Return p, the SRM's opinion of each item of a list.

    sigmoid(logit) for an SRM trained with binary cross-entropy. Softmax determines logits only up
    to a constant, so there sigmoid((logit - mean) / std), over the items left (population standard
    deviation); 0.5 where they are all equal.

    Args:
        logit: float, shape [..., N].
        left: bool, shape [..., N]: items still in the list; what p says of others means nothing.
        binary_logits: whether the SRM was trained with binary cross-entropy.

    Returns:
        float64, shape [..., N].
    """
    logit = logit.astype(np.float64)
    if binary_logits:
        return np.asarray(expit(logit))
    count = np.maximum(left.sum(axis=-1, keepdims=True), 1)
    mean = np.where(left, logit, 0.0).sum(axis=-1, keepdims=True) / count
    centred = np.where(left, logit - mean, 0.0)
    deviation = np.sqrt((centred * centred).sum(axis=-1, keepdims=True) / count)
    highest = np.where(left, logit, -np.inf).max(axis=-1, keepdims=True)
    lowest = np.where(left, logit, np.inf).min(axis=-1, keepdims=True)
    varied = highest > lowest  # rounding can leave equal logits a deviation just above 0
    standard = np.divide(centred, deviation, out=np.zeros_like(centred), where=varied)
    return np.asarray(expit(standard))


def fuse(
    variant: Variant,
    llm_rank: NDArray[Any],
    left_count: NDArray[Any],
    p: Floats,
    learned_weight: float,
) -> Floats:
    """Return the fused value of each item; higher is better.

    1: -r. 2: -r/n + 0.5, plus p - 0.5 only where |p - 0.5| > 0.4. 3: -r/n + (p - 0.5).
    4: -r/n + 2 (p - 0.5). 5: p. learned: -r/n + w (p - 0.5).

    Args:
        variant: 1 to 5, or learned.
        llm_rank: r, shape [..., N].
        left_count: n, broadcast against r (for instance of shape [..., 1]).
        p: float64, shape [..., N].
        learned_weight: w of the learned variant, at least 0.

    Raises:
        ValueError: another variant.
    """
    share = -llm_rank / left_count
    match variant:
        case 1:
            return -llm_rank.astype(np.float64)
        case 2:
            lean = p - 0.5
            return np.asarray(share + 0.5 + np.where(np.abs(lean) > SURE, lean, 0.0))
        case 3:
            return np.asarray(share + (p - 0.5))
        case 4:
            return np.asarray(share + 2 * (p - 0.5))
        case 5:
            return p
        case "learned":
            return np.asarray(share + learned_weight * (p - 0.5))
    raise ValueError(f"fusion variant {variant}; accepted: 1 to 5, or learned")
