"""Compiling functions, once for all processes: what has been compiled is kept in the cache.

A process that finds nothing there compiles into a directory of its own, and puts a copy of it in
place when it has compiled everything: whole, with a hash of every file, so that what was damaged
since is compiled anew.
"""

import atexit
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba

from sim import clock
from sim.client import request
from workloads.cache_directory import cache_directory

Function = TypeVar("Function", bound=Callable[..., object])
HASHES = "hashes.json"


def _sources_hash() -> str:
    """Return the hash of everything that compiled functions are made of.

    numba looks whether a function's own file has changed, by its time and size, and not those of
    the functions that it calls: so every state of the sources has a directory of its own.
    """
    package = Path(__file__).parent
    sources = [*sorted(package.glob("*.py")), Path(clock.__file__), Path(request.__file__)]
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sources:
        digest.update(f"{source} {source.stat().st_mtime_ns}".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _hashes(directory: Path) -> dict[str, str]:
    """Return the hash of each file below a directory, by its path from there."""
    files = sorted(file for file in directory.rglob("*.nb?") if file.is_file())
    return {
        str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }


def _is_sound(directory: Path) -> bool:
    """Tell whether a directory holds what was put there."""
    try:
        kept = json.loads((directory / HASHES).read_text(encoding="utf-8"))
        return bool(kept == _hashes(directory))
    except (OSError, ValueError):
        return False


_KEPT = cache_directory() / "compiled" / _sources_hash()
_OWN = _KEPT.with_name(f".{_KEPT.name}-{os.getpid()}")


def _directory() -> Path | None:
    """Return where compiled code is found or goes; None where nothing can be written."""
    if _is_sound(_KEPT):
        return _KEPT
    try:
        _OWN.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    atexit.register(shutil.rmtree, _OWN, ignore_errors=True)
    return _OWN


_CODE = _directory()
if _CODE is not None:
    numba.config.CACHE_DIR = str(_CODE)


def is_kept() -> bool:
    """Tell whether compiled code was found in the cache."""
    return _CODE == _KEPT


def keep() -> None:
    """Keep what this process has compiled, which has to be everything."""
    if _CODE != _OWN:
        return
    ready = _OWN.with_name(f"{_OWN.name}-ready")
    try:
        shutil.copytree(_OWN, ready, dirs_exist_ok=True)
        (ready / HASHES).write_text(json.dumps(_hashes(ready)), encoding="utf-8")
        if not _is_sound(_KEPT):
            shutil.rmtree(_KEPT, ignore_errors=True)
            ready.rename(_KEPT)  # fails where another process was faster
    except OSError:
        pass  # it is compiled again by the next one
    shutil.rmtree(ready, ignore_errors=True)


def compiled(function: Function) -> Function:
    """Let a function be compiled when it is first called; it may make no arrays.

    Then it need not count references to those that it is given, which otherwise takes most of the
    time of short functions that are given many (measured: two thirds).
    """
    return cast(Function, numba.njit(cache=_CODE is not None, _nrt=False)(function))


def compiled_with_arrays(function: Function) -> Function:
    """Let a function be compiled when it is first called; it may make arrays."""
    return cast(Function, numba.njit(cache=_CODE is not None)(function))
