"""The names of signals."""

from collections.abc import Mapping
from typing import TypeVar

Values = TypeVar("Values")

SIGNALS = (
    "footrule",
    "kendall",
    "rank_biased_overlap",
    "top_overlap",
    "entropy",
    "margin",
    "self_consistency",
    "taken_share",
    "invalid_candidates",
)
"""All signals; the simulation's table names the same ones."""


def named(values: Mapping[str, Values], name: str) -> Values:
    """Return what a signal's name stands for.

    Raises:
        KeyError: there is no such signal; the message lists those that there are.
    """
    if name not in values:
        raise KeyError(f"there is no signal {name!r}; accepted: {', '.join(values)}")
    return values[name]
