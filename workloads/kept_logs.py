"""Interaction logs kept in the cache: generated or parsed once, then memory-mapped by every run."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workloads.content_cache import ContentCache
from workloads.interaction_log import Catalogue, InteractionLog
from workloads.library_versions import library_versions

LIBRARIES = ("numpy", "pandas", "scipy")
"""Libraries that decide what is in a log: draws, their distributions, and parsing."""
NAMES_FILE = "names.json"
_COLUMNS = ("offsets", "items", "times_s")


def kept(
    cache_dir: Path, origin: Mapping[str, Any], make: Callable[[], InteractionLog]
) -> InteractionLog:
    """Return a log from the cache, made first where the cache lacks it.

    Args:
        cache_dir: holds `logs/`.
        origin: what the log is a function of, beside this program and its libraries, as JSON.
        make: makes the log.
    """
    logs = ContentCache(cache_dir / "logs")
    identity = {**origin, "source": _source_hash(), "versions": library_versions(LIBRARIES)}
    entry = logs.find(identity)
    if entry is None:
        log = make()
        entry = logs.add(identity, lambda directory: _write(log, directory))
    return _read(entry.directory)


@cache
def _source_hash() -> str:
    """Return the SHA-256 (hex) of all that generates and reads logs, so that none outlives it."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _write(log: InteractionLog, directory: Path) -> dict[str, Any]:
    for name in _COLUMNS:
        column = getattr(log, name)
        if column is not None:
            np.save(directory / f"{name}.npy", column, allow_pickle=False)
    names = {
        "name": log.name,
        "user_keys": log.user_keys,
        "keys": log.catalogue.keys,
        "titles": log.catalogue.titles,
        "attributes": log.catalogue.attributes,
    }
    (directory / NAMES_FILE).write_text(json.dumps(names), encoding="utf-8")
    return {"users": log.users, "interactions": log.interactions}


def _read(directory: Path) -> InteractionLog:
    names = json.loads((directory / NAMES_FILE).read_text(encoding="utf-8"))
    columns: dict[str, Any] = {}
    for name in _COLUMNS:
        path = directory / f"{name}.npy"
        columns[name] = (
            np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
            if path.exists()
            else None
        )
    return InteractionLog(
        name=names["name"],
        user_keys=tuple(names["user_keys"]),
        catalogue=Catalogue(
            keys=tuple(names["keys"]),
            titles=tuple(names["titles"]),
            attributes=tuple(map(tuple, names["attributes"])),
        ),
        **columns,
    )
