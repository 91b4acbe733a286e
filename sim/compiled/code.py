"""Compiling functions, once for all processes: what has been compiled is kept in the cache."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba

from sim import clock
from sim.client import request
from workloads.cache_directory import cache_directory

Function = TypeVar("Function", bound=Callable[..., object])


def _sources_hash() -> str:
    """Return the hash of everything that compiled functions are made of."""
    package = Path(__file__).parent
    sources = [*sorted(package.glob("*.py")), Path(clock.__file__), Path(request.__file__)]
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


# numba looks whether a function's own file has changed, and not those of the functions that it
# calls: so every state of the sources has a directory of its own.
CODE_DIRECTORY = cache_directory() / "compiled" / _sources_hash()
"""Where compiled code is kept."""
numba.config.CACHE_DIR = str(CODE_DIRECTORY)


def compiled(function: Function) -> Function:
    """Let a function be compiled when it is first called; it may make no arrays.

    Then it need not count references to those that it is given, which otherwise takes most of the
    time of short functions that are given many (measured: two thirds).
    """
    return cast(Function, numba.njit(cache=True, _nrt=False)(function))


def compiled_with_arrays(function: Function) -> Function:
    """Let a function be compiled when it is first called; it may make arrays."""
    return cast(Function, numba.njit(cache=True)(function))
