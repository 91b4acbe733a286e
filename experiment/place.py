"""What a scenario accepts at a place, read from its JSON Schema: errors and schema agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from pydantic import BaseModel

Path = tuple[str | int, ...]
"""Keys (and positions in lists) from the top of a scenario to a place in it."""


@dataclass(frozen=True)
class Place:
    """A node of a JSON Schema and the definitions that it refers to."""

    node: Mapping[str, Any]
    definitions: Mapping[str, Any]

    def accepted_keys(self) -> tuple[str, ...]:
        """Return the keys that are accepted here, in the order of the settings class."""
        return tuple(dict.fromkeys(key for node in self._options for key in _properties(node)))

    def kinds(self) -> tuple[str, ...]:
        """Return the values that `kind` may have here; none where there is no such choice."""
        choices = [kind for node in self._options for kind in _discriminated(node)]
        kind = self.child("kind")
        return tuple(choices) or (kind.texts() if kind else ())

    def texts(self) -> tuple[str, ...]:
        """Return the texts that are accepted here, where they can be listed."""
        values = [value for node in self._options for value in _constants(node)]
        return tuple(value for value in values if isinstance(value, str))

    def of_kind(self, kind: str) -> "Place | None":
        """Return the place of the settings of one kind, None where there is no such choice."""
        for node in self._options:
            if kind in _discriminated(node):
                return Place({"$ref": node["discriminator"]["mapping"][kind]}, self.definitions)
        return None

    def child(self, key: str | int) -> "Place | None":
        """Return the place below a key or list position, None where there is none."""
        for node in self._options:
            if isinstance(key, int):
                found = node.get("items")
            else:
                found = _properties(node).get(key, node.get("additionalProperties"))
            if isinstance(found, Mapping):
                return Place(found, self.definitions)
        return None

    def description(self, *, null: bool = True) -> str:
        """Return what is accepted here, in words; without `null`, it is not told of null."""
        if kinds := self.kinds():
            return f"a mapping with kind: {any_of(kinds)}"
        constants = [value for node in self._options for value in _constants(node)]
        phrases = [_phrase(node, self.definitions) for node in self._options]
        if not null:
            phrases = [phrase for phrase in phrases if phrase != "null"]
        listed = [repr(value) for value in constants]
        return any_of(dict.fromkeys([*filter(None, phrases), *listed])) or "a value"

    @cached_property
    def _options(self) -> tuple[Mapping[str, Any], ...]:
        """The node itself, or what it is a choice of: each without references, choices included."""
        return tuple(_options(self.node, self.definitions))


@cache
def top(settings: type[BaseModel]) -> Place:
    """Return the place of a whole settings class."""
    schema = settings.model_json_schema()
    return Place(schema, schema.get("$defs", {}))


def locate(place: Place, location: tuple[str | int, ...], value: Any) -> tuple[Path, Place, Place]:
    """Follow pydantic's error location, which names kinds and members of unions beside keys.

    Args:
        place: the place of the whole `value`.
        location: as in pydantic's `loc`.
        value: what was validated.

    Returns:
        The path in the scenario, the place that holds the last key, and that key's own place.
    """
    path: Path = ()
    parent = place
    for step, key in enumerate(location):
        if isinstance(key, str) and (chosen := place.of_kind(key)):
            place = chosen
            continue
        child = place.child(key)
        known = key in place.accepted_keys() or _holds(value, key)
        if not known or (child is None and step < len(location) - 1):
            continue  # the label of a member of a union
        path += (key,)
        parent, place = place, child or Place({}, {})
        value = value[key] if _holds(value, key) else None
    return path, parent, place


def any_of(phrases: "dict[str, None] | tuple[str, ...]") -> str:
    """Return phrases as "a, b or c"."""
    *first, last = phrases or ("",)
    return f"{', '.join(first)} or {last}" if first else last


def _holds(value: Any, key: str | int) -> bool:
    if isinstance(key, int):
        return isinstance(value, list | tuple) and key < len(value)
    return isinstance(value, Mapping) and key in value


def _options(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in node:
        return _options(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    if "discriminator" in node:
        return [node]
    if choices := node.get("anyOf", node.get("oneOf")):
        return [option for choice in choices for option in _options(choice, definitions)]
    return [node]


def _properties(node: Mapping[str, Any]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = node.get("properties", {})
    return properties


def _discriminated(node: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(node.get("discriminator", {}).get("mapping", ()))


def _constants(node: Mapping[str, Any]) -> list[Any]:
    return list(node["enum"]) if "enum" in node else [node["const"]] if "const" in node else []


def _phrase(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if _constants(node):
        return ""
    match node.get("type"):
        case "integer":
            return "a whole number" + _range(node)
        case "number":
            return "a number" + _range(node)
        case "boolean":
            return "true or false"
        case "string":
            if node.get("format") == "file-path":
                return "a file name"
            return "a text that is not empty" if node.get("minLength") else "a text"
        case "null":
            return "null"
        case "array":
            least = f"{node['minItems']} or more " if node.get("minItems") else ""
            each = f", each {Place(node['items'], definitions).description()}"
            return f"a list of {least}values{each if node['items'] else ''}"
        case "object":
            keys = ", ".join(_properties(node))
            return f"a mapping (keys: {keys})" if keys else "a mapping"
        case _:
            return ""


def _range(node: Mapping[str, Any]) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    bounds = {
        "minimum": "of at least",
        "exclusiveMinimum": "above",
        "maximum": "of at most",
        "exclusiveMaximum": "below",
    }
    return " and".join(f" {word} {node[key]:g}" for key, word in bounds.items() if key in node)
