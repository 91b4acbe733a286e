"""Certainty: what the SRM's own scores say of the list, without the LLM's order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def entropy(logit: NDArray[np.float32], left: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the entropy of the softmax over the items left, / log n; 1 where n < 2.

    H = -sum of q log q = log Z - sum of q (x - max), where Z = sum of exp(x - max) and
    q = exp(x - max) / Z (Shannon 1948). 1 where all items score alike, 0 where one has all.

    Args:
        logit: float32, shape [..., N].
        left: bool, shape [..., N]: the items that count.

    Returns:
        float32, shape [...], in [0, 1].
    """
    below, power = _below_best(logit, left)
    total = power.sum(axis=-1)
    count = left.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing is left
        nats = np.log(total) - (power * below).sum(axis=-1) / total
        share = nats / np.log(count)
    return np.where(count < 2, 1.0, np.clip(share, 0.0, 1.0)).astype(np.float32)


def margin(logit: NDArray[np.float32], left: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the softmax probability of the best item left less the second's; 1 where n < 2.

    Least certain are lists of a small margin (Scheffer, Decomain and Wrobel 2001, "Active hidden
    Markov models for information extraction").

    Args:
        logit: float32, shape [..., N].
        left: bool, shape [..., N]: the items that count.

    Returns:
        float32, shape [...], in [0, 1].
    """
    _, power = _below_best(logit, left)
    total = power.sum(axis=-1)
    best = power.argmax(axis=-1)[..., None]
    np.put_along_axis(power, best, 0.0, axis=-1)
    second = power.max(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing is left
        difference = (1.0 - second) / total
    return np.where(left.sum(axis=-1) < 2, 1.0, difference).astype(np.float32)


def _below_best(logit: NDArray[np.float32], left: NDArray[np.bool_]) -> tuple[Any, Any]:
    """Return (x - max, exp of it) of the items left, 0 for others: float32 [..., N] each."""
    best = np.max(logit, axis=-1, keepdims=True, initial=-np.inf, where=left)
    below = np.where(left, logit - best, np.float32(0))
    return below, np.where(left, np.exp(below), np.float32(0))
