"""The installed versions of libraries: part of the identity of whatever they compute."""

import importlib.metadata
from collections.abc import Iterable
from functools import cache


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each library.

    Raises:
        importlib.metadata.PackageNotFoundError: one is not installed.
    """
    return {name: _version(name) for name in names}


# A library's metadata holds its whole description; reading it takes 2 ms, and many ask.
@cache
def _version(name: str) -> str:
    return importlib.metadata.version(name)
