"""Settings classes applied to plain values, with errors that a user can act upon."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from experiment.place import Path, Place, locate, top
from experiment.scenario_error import ScenarioError
from workloads.settings import Settings, nearest

S = TypeVar("S", bound=Settings)

_MISSING, _UNKNOWN = "is missing", "unknown key"

# Pydantic's errors that the place's own description answers in full.
_DESCRIBED = (
    "_type",
    "_parsing",
    "int_from_float",
    "literal_error",
    "enum",
    "greater_than",
    "greater_than_equal",
    "less_than",
    "less_than_equal",
    "too_short",
)


def validate(settings: type[S], values: Mapping[str, Any]) -> S:
    """Return the settings that plain values (those of YAML's core schema) give.

    Raises:
        pydantic.ValidationError: they are not accepted; `explain` says so in words.
    """
    return settings.model_validate(_frozen(values))


def explain(
    error: ValidationError,
    settings: type[Settings],
    values: Mapping[str, Any],
    source: str,
    overridden: Iterable[Path] = (),
) -> ScenarioError:
    """Return the first error in the order of the file, in words, and how many more there are.

    A key that is missing stands behind unknown ones that may be meant to be it.

    Args:
        error: what `validate` raised.
        settings: the class that was given to `validate`.
        values: the values that were given to it.
        source: the file that they come from.
        overridden: paths whose values come from `--set` and not from the file.
    """
    by_path: dict[Path, str] = {}
    for path, message in _complaints(error, settings, values):
        by_path.setdefault(path, message)
    # Of a union, the member that got furthest into the value is the one that was meant.
    paths = [path for path in by_path if not any(_within(other, path) for other in by_path)]
    first = min(paths, key=lambda path: _position(path, values))
    if by_path[first].startswith(_MISSING):
        first = min(
            (path for path in paths if by_path[path].startswith(_UNKNOWN) and _beside(path, first)),
            key=lambda path: _position(path, values),
            default=first,
        )
    message = by_path[first]
    if any(first[: len(path)] == path for path in overridden):
        wrong, separator, accepted = message.partition("; ")
        message = f"{wrong} (given by --set){separator}{accepted}"
    if more := len(paths) - 1:
        message += f" (and {more} more {'error' if more == 1 else 'errors'})"
    return ScenarioError(source, dotted(first), message)


def _frozen(value: Any) -> Any:
    """Return a value with tuples for lists: settings are immutable, and strict about it."""
    if isinstance(value, Mapping):
        return {key: _frozen(part) for key, part in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def dotted(path: Path) -> str:
    """Return a path as users write it: keys with dots between them."""
    return ".".join(map(str, path))


def shown(value: Any) -> str:
    """Return a value as an error shows it: short, on one line, in YAML's words."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    text = value if isinstance(value, str) else json.dumps(value)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return repr(text) if isinstance(value, str) else text.replace("Infinity", ".inf")


def _complaints(
    error: ValidationError, settings: type[Settings], values: Mapping[str, Any]
) -> Iterable[tuple[Path, str]]:
    for detail in error.errors(include_url=False):
        path, parent, place = locate(top(settings), detail["loc"], values)
        key, message = _in_words(detail, str(path[-1]) if path else "", parent, place)
        yield path + key, message


def _in_words(detail: ErrorDetails, key: str, parent: Place, place: Place) -> tuple[Path, str]:
    """Return what is to be appended to the error's path, and what is wrong there."""
    kind, given = detail["type"], detail["input"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        return (), f"{_UNKNOWN}; {_instead(key, parent.accepted_keys())}"
    if kind == "missing":
        return (), f"{_MISSING}; give {place.description()}"
    if kind == "union_tag_not_found":
        if misspelt := [word for word in given if nearest(word, ("kind",))]:
            return (misspelt[0],), f"{_UNKNOWN}; did you mean kind?"
        return ("kind",), f"{_MISSING}; accepted: {', '.join(place.kinds())}"
    if kind == "union_tag_invalid":
        return ("kind",), _unknown_kind(context["tag"], place.kinds())
    if kind == "literal_error" and key == "kind":
        return (), _unknown_kind(given, place.texts())
    if kind == "exclusive":
        return (), f"{context['keys']} exclude each other; give only one of them"
    if kind == "invalid":
        return tuple(context["key"].split(".")) if context["key"] else (), context["message"]
    if kind == "value_error":
        message = str(context["error"])
        return (), f"is {shown(given)}; {message}" if message.startswith("must") else message
    if given is None:
        return (), f"is null; leave it out for its default, or give {place.description()}"
    if kind == "finite_number":
        return (), f"is {shown(given)}; must be a finite number"
    if kind.endswith(_DESCRIBED):
        near = nearest(given, place.texts()) if isinstance(given, str) else ""
        # What is empty was to be something: null, which stands for nothing given, is no help.
        accepted = place.description(null=kind != "too_short")
        return (), f"is {shown(given)}; {near}must be {accepted}"
    return (), f"is {shown(given)}; {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _unknown_kind(kind: Any, known: tuple[str, ...]) -> str:
    return f"unknown kind {shown(kind)}; {_instead(str(kind), known)}"


def _instead(word: str, known: tuple[str, ...]) -> str:
    return f"{nearest(word, known)}accepted: {', '.join(known) or 'no keys'}"


def _within(path: Path, outer: Path) -> bool:
    return len(path) > len(outer) and path[: len(outer)] == outer


def _beside(path: Path, missing: Path) -> bool:
    """Tell whether a key is given in the section of a missing one, or in one around it."""
    return path[:-1] == missing[: len(path) - 1]


def _position(path: Path, values: Any) -> tuple[int, ...]:
    """Return where a path stands in the file: positions of its keys, level by level."""
    position: list[int] = []
    for key in path:
        if isinstance(values, Mapping) and key in values:
            position.append(list(values).index(str(key)))
            values = values[str(key)]
        elif isinstance(values, list | tuple) and isinstance(key, int) and key < len(values):
            position.append(key)
            values = values[key]
        else:
            break  # a missing key stands where its section begins
    return tuple(position)
