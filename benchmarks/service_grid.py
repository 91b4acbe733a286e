"""Which batches are timed: some to fit to, and others between them to test the fit on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal

Stage = Literal["prefill", "decode"]


@dataclass(frozen=True)
class Point:
    """One piece of work: a batch of requests that all have as many tokens.

    Attributes:
        stage: `prefill` for one pass that reads the prompts and returns a list for each, `decode`
            for one iteration that adds a token to each.
        batch: requests.
        tokens: tokens of each prompt. One interaction is one token.
    """

    stage: Stage
    batch: int
    tokens: int


@dataclass(frozen=True)
class Grid:
    """What is timed.

    Attributes:
        fitted: points that the coefficients are fitted to.
        held_out: points that nothing is fitted to; their batch sizes and their lengths both differ
            from all of those that are fitted to in the same stage, and lie between them.
    """

    fitted: tuple[Point, ...]
    held_out: tuple[Point, ...]


def grid_of(batch_sizes: Sequence[int], prompt_tokens: Sequence[int]) -> Grid:
    """Return the points of some batch sizes and lengths; a decode takes three of the lengths.

    Held out are the geometric means of neighbours.
    """
    batches, lengths = sorted(set(batch_sizes)), sorted(set(prompt_tokens))
    three = sorted({lengths[0], lengths[len(lengths) // 2], lengths[-1]})
    fitted: list[Point] = []
    held_out: list[Point] = []
    stages: tuple[tuple[Stage, list[int]], ...] = (("prefill", lengths), ("decode", three))
    for stage, tokens in stages:
        fitted += [Point(stage, *each) for each in product(batches, tokens)]
        held_out += [Point(stage, *each) for each in product(between(batches), between(tokens))]
    return Grid(tuple(fitted), tuple(held_out))


def between(levels: Sequence[int]) -> list[int]:
    """Return the rounded geometric means of ascending neighbours, where these are no neighbours."""
    means = ((low, round(math.sqrt(low * high)), high) for low, high in pairwise(levels))
    return [mean for low, mean, high in means if low < mean < high]
