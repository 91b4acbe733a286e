"""Values that take the place of a scenario's own: those of `--set` and of a sweep's points."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import ValidationError

from experiment.place import Path, locate, top
from experiment.scenario_error import ScenarioError
from experiment.validation import S, dotted, explain, validate
from experiment.yaml_document import read_value


@dataclass(frozen=True)
class Override:
    """One value and the path of keys that it belongs to."""

    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class Overridden(Generic[S]):
    """Settings with their overrides applied.

    Attributes:
        settings: the validated settings.
        values: the plain values that they came from.
        dropped_keys: dotted paths of the keys that an override made meaningless.
    """

    settings: S
    values: dict[str, Any]
    dropped_keys: tuple[str, ...]


def parse(text: str, source: str) -> Override:
    """Read the `key.path=value` of `--set`; the value is YAML.

    Raises:
        ScenarioError: there is no key, no "=", or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        message = "--set takes key.path=value, such as --set policy.threshold=0.4"
        raise ScenarioError(source, text, message)
    return Override(split_key(key), read_value(value, source, key))


def split_key(key: str) -> tuple[str, ...]:
    """Return a dotted key as a path; what is below `sweep` is itself a dotted key."""
    section, _, rest = key.partition(".")
    if section == "sweep" and rest:
        return (section, *(("zip", rest[4:]) if rest.startswith("zip.") else (rest,)))
    return tuple(key.split("."))


def put(values: dict[str, Any], overrides: Sequence[Override], source: str) -> dict[str, Any]:
    """Return a copy of plain values with overrides in their places, not validated.

    Raises:
        ScenarioError: an override lies below something that is no mapping.
    """
    changed = copy.deepcopy(values)
    for override in overrides:
        *sections, last = override.path
        place: Any = changed
        for depth, key in enumerate(sections, start=1):
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                section = dotted(tuple(sections[:depth]))
                is_list = isinstance(place, list)
                noun, form = ("a list", "[{...}, ...]") if is_list else ("no mapping", "{...}")
                message = (
                    f"cannot be set, because {section} is {noun} here; "
                    f"give the whole of it, as {section}={form}"
                )
                raise ScenarioError(source, dotted(override.path), message)
        place[last] = copy.deepcopy(override.value)
    return changed


def apply(
    values: dict[str, Any],
    overrides: Sequence[Override],
    settings: type[S],
    source: str,
) -> Overridden[S]:
    """Put overrides into plain values and validate the result.

    Where an override changes a `kind`, or gives one of several keys that exclude each other, the
    keys that the new choice does not know are dropped, unless they are overridden themselves.
    Without such an override they are errors.

    Args:
        values: the scenario's own values; left as they are.
        overrides: later ones win.
        settings: the class that validates the whole.
        source: the file that the values come from, for errors.

    Raises:
        ScenarioError: the values are not accepted.
    """
    changed = put(values, overrides, source)
    paths = [override.path for override in overrides]
    new_kinds = [
        path[:-1]
        for path in paths
        if path[-1] == "kind" and _at(values, path) != _at(changed, path)
    ]
    dropped: list[str] = []
    while True:
        try:
            return Overridden(validate(settings, changed), changed, tuple(dropped))
        except ValidationError as error:
            meaningless = _meaningless(error, settings, changed, paths, new_kinds)
            if not meaningless:
                raise explain(error, settings, changed, source, paths) from None
            for path in meaningless:
                _remove(changed, path)
                dropped.append(dotted(path))


def _meaningless(
    error: ValidationError,
    settings: type[S],
    values: dict[str, Any],
    overridden: Sequence[Path],
    new_kinds: Sequence[Path],
) -> list[Path]:
    """Return the paths that the error is about and that the overrides made meaningless."""
    found: list[Path] = []
    for detail in error.errors(include_url=False):
        path, _, _ = locate(top(settings), detail["loc"], values)
        if detail["type"] == "extra_forbidden":
            if any(path[: len(section)] == section for section in new_kinds):
                found.append(path)
        elif detail["type"] == "exclusive":
            given = [(*path, key) for key in detail["ctx"]["keys"].split(" and ")]
            if any(_overlap(key, other) for key in given for other in overridden):
                found.extend(given)
    return [path for path in found if not any(_overlap(path, other) for other in overridden)]


def _at(values: Any, path: Path) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _overlap(path: Path, other: Path) -> bool:
    """Tell whether one of two paths holds the other."""
    shared = min(len(path), len(other))
    return path[:shared] == other[:shared]


def _remove(values: Any, path: Path) -> None:
    for key in path[:-1]:
        values = values[key]
    del values[path[-1]]
