"""Random numbers: every draw is a pure function of (seed, purpose, entity, index).

The draws of one index come from one counter-based generator (Philox), and entity e takes the e-th
number of its stream. So more entities, more indices or another purpose change no draw that was
there before, and no generator object belongs to an entity.
"""

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from workloads import disk_tables

SMALLEST = 2.0**-54
_BLOCK = 1 << 16


def _unchanged(draws: NDArray[np.float64]) -> None:
    """Leave uniform draws as they are."""


def uniform(seed: int, purpose: str, index: int, entities: int) -> NDArray[np.float64]:
    """Return the draws of entities 0 .. `entities`-1 at `index`, uniform in (0, 1).

    Returns:
        float64 array, shape [entities]. Neither 0 nor 1 occurs, so that inverse distribution
        functions stay finite.
    """
    draws = np.random.Generator(_stream(seed, purpose, index)).random(entities)
    return np.maximum(draws, SMALLEST, out=draws)


def standard_normal(seed: int, purpose: str, index: int, entities: int) -> NDArray[np.float64]:
    """Return the standard normal draws of all entities at `index`, by inversion of `uniform`.

    Returns:
        float64 array, shape [entities].
    """
    draws = uniform(seed, purpose, index, entities)
    normal: NDArray[np.float64] = ndtri(draws, out=draws)
    return normal


def uniform_one(seed: int, purpose: str, index: int, entity: int) -> float:
    """Return the draw of one entity at `index`: what `uniform` gives it, without the others'.

    It costs as much as thousands of draws in an array: for what happens seldom.
    """
    stream = _stream(seed, purpose, index)
    stream.advance(entity // 4)  # a block of Philox holds four numbers
    return max(float(np.random.Generator(stream).random(entity % 4 + 1)[-1]), SMALLEST)


def _stream(seed: int, purpose: str, index: int) -> np.random.Philox:
    purpose_key = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
    return np.random.Philox(np.random.SeedSequence(entropy=(seed, purpose_key, index)))


def table(
    seed: int,
    purpose: str,
    entities: int,
    indices: int,
    transform: Callable[[NDArray[np.float64]], object] = _unchanged,
) -> NDArray[np.float64]:
    """Return draws for every entity and index, transformed.

    They are made for a block of entities at a time, and a large table is on disk, so that it takes
    little memory.

    Args:
        seed: of the draws.
        purpose: of the draws.
        entities: how many.
        indices: how many.
        transform: changes uniform draws in place: float64 arrays.

    Returns:
        float64 array, shape [entities, indices].
    """
    made = disk_tables.zeros((entities, indices))
    for start in range(0, entities, _BLOCK):
        block = made[start : start + _BLOCK]
        for index in range(indices):
            stream = _stream(seed, purpose, index)
            stream.advance(start // 4)
            draws = np.random.Generator(stream).random(len(block))
            transform(np.maximum(draws, SMALLEST, out=draws))
            block[:, index] = draws
        disk_tables.let_go(made)
    return made


def uniform_table(seed: int, purpose: str, entities: int, indices: int) -> NDArray[np.float64]:
    """Return uniform draws for every entity and index: float64 array, shape [entities, indices]."""
    return table(seed, purpose, entities, indices)


def standard_normal_table(
    seed: int, purpose: str, entities: int, indices: int
) -> NDArray[np.float64]:
    """Return standard normal draws for every entity and index, by inversion of the uniform draws.

    Returns:
        float64 array, shape [entities, indices].
    """
    return table(seed, purpose, entities, indices, to_standard_normal)


def to_standard_normal(draws: NDArray[np.float64]) -> None:
    """Turn uniform draws into standard normal ones, in place."""
    ndtri(draws, out=draws)
