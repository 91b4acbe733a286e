"""The sections that a scenario is made of, from itself down to the smallest."""

from collections.abc import Iterator
from typing import Any

from workloads.settings import Settings


def sections(value: Any, path: str = "") -> Iterator[tuple[str, Settings]]:
    """Yield settings and all settings that they hold, each with what comes before its keys.

    Args:
        value: settings, or a mapping or tuple of them; anything else holds none.
        path: what comes before the keys of `value`, empty or with a dot at its end, such as
            `cloud.batching.`; positions in tuples count from 0.
    """
    below: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, Settings):
        yield path, value
        below = iter(value)
    elif isinstance(value, dict):
        below = iter(value.items())
    elif isinstance(value, tuple):
        below = iter(enumerate(value))
    for key, part in below:
        yield from sections(part, f"{path}{key}.")
