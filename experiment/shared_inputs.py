"""What points of a sweep read and need not make anew: data, models, never and always."""

import hashlib
import io
import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiment.baseline_worlds import baseline_names
from experiment.compared_world import ComparedWorld
from experiment.preparation import Preparation
from experiment.scenario import Scenario


@dataclass(frozen=True)
class SharedInputs:
    """Files of what several points read, made once by whoever started the sweep.

    They live as long as one invocation, which wrote them itself: they are pickles, and never read
    by another one.

    Attributes:
        preparation: the data and models.
        worlds: what is kept of the worlds that the point is compared with, by name; a file that is
            not there is a world that the point simulates itself.
        cache: the directory that holds the tables and weights; a preparation names places in it
            from there, so that it can be read where the cache lies elsewhere.
    """

    preparation: Path
    worlds: Mapping[str, Path]
    cache: Path

    def prepared(self, scenario: Scenario) -> Preparation:
        """Return the preparation of one of the scenarios that share these.

        Raises:
            WorkloadError, ModelError, ScenarioError: the scenario does not fit the data or models.
        """
        with self.preparation.open("rb") as file:
            other: Preparation = _Reader(file, self.cache).load()
        return other.shared_with(scenario)

    def world(self, name: str) -> ComparedWorld | None:
        """Return what is kept of one of the worlds; None where it is not there."""
        path = self.worlds.get(name)
        if path is None or not path.is_file():
            return None
        with path.open("rb") as file:
            world: ComparedWorld = pickle.load(file)
        return world


def keep_preparation(preparation: Preparation, path: Path, cache: Path) -> frozenset[Path]:
    """Write what scenarios with the same data and models share.

    Returns:
        The entries of the cache that it names, relative to `cache`.
    """
    # What adapts along the run starts anew in every world, and is made by the point itself; so are
    # sessions, which depend on its settings, and of a million devices take 170 MB.
    content = io.BytesIO()
    writer = _Writer(content, cache)
    writer.dump(replace(preparation, adaptation=None, sessions=preparation.sessions.of_first(0)))
    _write(path, content.getvalue())
    return frozenset(writer.entries)


def keep_world(world: ComparedWorld, path: Path) -> None:
    """Write what is kept of a simulated world."""
    _write(path, pickle.dumps(world, protocol=5))


def worlds_of(scenario: Scenario, folder: Path) -> dict[str, Path]:
    """Return where the worlds belong that a scenario is compared with, by name.

    Scenarios that differ only in the request policy and in how they are called share them.
    """
    whole = scenario.model_dump(mode="json", exclude={"name", "description", "policy", "sweep"})
    key = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]
    return {name: folder / f"{key}.{name}" for name in baseline_names(scenario)}


def _write(path: Path, content: bytes) -> None:
    staging = path.with_name(f"{path.name}.{os.getpid()}")
    staging.write_bytes(content)
    os.replace(staging, path)


class _Writer(pickle.Pickler):
    """Writes paths into the cache relative to it, and remembers the entries that they are in."""

    def __init__(self, file: Any, cache: Path) -> None:
        super().__init__(file, protocol=5)
        self._cache = cache
        self.entries: set[Path] = set()

    def persistent_id(self, obj: Any) -> Any:
        """Return a path into the cache by its parts; None for anything else."""
        if not isinstance(obj, Path) or not obj.is_relative_to(self._cache):
            return None
        parts = obj.relative_to(self._cache).parts
        if parts:
            self.entries.add(Path(*parts[:2]))
        return parts


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any, cache: Path) -> None:
        super().__init__(file)
        self._cache = cache

    def persistent_load(self, pid: Any) -> Path:
        """Return the path with these parts in this machine's cache."""
        return self._cache.joinpath(*pid)
