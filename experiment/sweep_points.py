"""The points of a sweep: one validated scenario for each combination of the swept values."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from experiment.overrides import Override, apply, split_key
from experiment.scenario import LoadedScenario, Scenario, dump
from experiment.scenario_error import ScenarioError
from experiment.sweep_settings import SweepSettings
from experiment.validation import shown

Values = dict[str, Any]


@dataclass(frozen=True)
class SweepPoint:
    """One run of a sweep.

    Attributes:
        id: a hash of the resolved scenario, so the same run keeps its name in another sweep.
        values: the swept keys (dotted) and the values that they take here, in file order.
        scenario: the scenario to run; it has no sweep.
        dropped_keys: dotted paths of keys that the swept values made meaningless here.
    """

    id: str
    values: Values
    scenario: Scenario
    dropped_keys: tuple[str, ...]


def sweep_points(loaded: LoadedScenario) -> tuple[SweepPoint, ...]:
    """Return all points of a scenario's sweep, in the order of the file; none without a sweep.

    Raises:
        ScenarioError: a swept key is unknown, a value of it is not accepted, or two points are the
            same run; the key is `sweep.key.path`.
    """
    if not loaded.has_sweep:
        return ()
    _refuse_double_keys(loaded)
    points: dict[str, SweepPoint] = {}
    for values in _combinations(loaded.sweep, loaded.scenario.seed):
        point = _point(loaded, values)
        if point.id in points:
            message = f"has two points that are the same run: {in_words(values)}"
            raise ScenarioError(loaded.source, "sweep", message)
        points[point.id] = point
    return tuple(points.values())


def in_words(values: Values) -> str:
    """Return a point's values on one line: `policy.threshold=0.4, seed=1`."""
    return ", ".join(f"{key}={label(value)}" for key, value in values.items())


def label(value: Any) -> str:
    """Return a value on one line, as it would be typed: `{kind: periodic, every: 5}`."""
    if isinstance(value, dict):
        return "{" + in_words(value).replace("=", ": ") + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(label, value)) + "]"
    return value if isinstance(value, str) else shown(value)


def _combinations(sweep: SweepSettings, first_seed: int) -> Iterator[Values]:
    axes: list[list[Values]] = [
        [{key: choice} for choice in choices] for key, choices in sweep.grid.items()
    ]
    axes += [
        [dict(zip(group, row, strict=True)) for row in zip(*group.values(), strict=True)]
        for group in sweep.zip
    ]
    if sweep.seeds > 1:
        axes.append([{"seed": first_seed + replication} for replication in range(sweep.seeds)])
    for choices in itertools.product(*axes):
        yield {key: value for choice in choices for key, value in choice.items()}


def _point(loaded: LoadedScenario, values: Values) -> SweepPoint:
    overrides = [Override(split_key(key), value) for key, value in values.items()]
    # A whole section goes first, whatever the order of the file, so that a key below it stays.
    overrides.sort(key=lambda override: len(override.path))
    try:
        applied = apply(dict(loaded.raw), overrides, Scenario, loaded.source)
    except ScenarioError as error:
        raise _about_the_sweep(error, values) from None
    digest = hashlib.sha256(dump(applied.settings).encode()).hexdigest()
    return SweepPoint(digest[:10], values, applied.settings, applied.dropped_keys)


def _about_the_sweep(error: ScenarioError, values: Values) -> ScenarioError:
    """Name the swept key and section, or say at which point an unswept key went wrong."""
    message = error.message.replace(" (given by --set)", "")
    wrong = split_key(error.key)
    key = max(values, key=lambda key: _shared(split_key(key), wrong))
    swept = split_key(key)
    if wrong[: len(swept)] == swept:
        which = f"in {label(values[key])}: " if isinstance(values[key], dict) else ""
        return ScenarioError(error.source, f"sweep.{error.key}", which + message)
    if _shared(swept, wrong):
        return ScenarioError(error.source, f"sweep.{key}", f"{error.key}: {message}")
    message = f"at the point {in_words(values)}: {error.key}: {message}"
    return ScenarioError(error.source, "sweep", message)


def _shared(path: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Return how many leading keys two paths share."""
    pairs = zip(path, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _refuse_double_keys(loaded: LoadedScenario) -> None:
    seen: set[str] = set()
    keys: Iterable[str] = itertools.chain(loaded.sweep.grid, *loaded.sweep.zip)
    for key in itertools.chain(keys, ["seed"] if loaded.sweep.seeds > 1 else []):
        if key in seen:
            message = "is swept twice; a key may stand once, in the grid, in zip or as seeds"
            raise ScenarioError(loaded.source, f"sweep.{key}", message)
        seen.add(key)
