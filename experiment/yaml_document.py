"""YAML texts: read by the core schema of YAML 1.2, written so that readers of 1.1 agree."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import yaml

from experiment.scenario_error import ScenarioError

_CORE_SCALARS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    # Not of YAML 1.2: groups of digits may be set off by underscores, as in Python.
    "int": (r"[-+]?[0-9]+(_[0-9]+)*|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
"""https://yaml.org/spec/1.2.2/#103-core-schema: `1e-3` is a number, `no` and `12:30` are texts."""


class _Loader(yaml.SafeLoader):
    """The core schema without tags, duplicate keys or keys that are no plain words."""

    # Not those of SafeLoader, which know YAML 1.1's numbers, dates and sets.
    yaml_implicit_resolvers: Any = {}  # noqa: RUF012
    yaml_constructors: ClassVar[Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            _fail(f"the tag {event.tag!r} is not accepted; write the plain value", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = True) -> dict[Any, Any]:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                _fail("a key must be a plain word", key_node.start_mark)
            if key_node.value in mapping:
                _fail(f"the key {key_node.value!r} is given twice", key_node.start_mark)
            mapping[key_node.value] = self.construct_object(value_node, deep=deep)
        return mapping

    def _construct_sequence(self, node: Any) -> list[Any]:
        return self.construct_sequence(node, deep=True)

    def _construct_bool(self, node: Any) -> bool:
        return bool(node.value.lower() == "true")

    def _construct_int(self, node: Any) -> int:
        try:
            return int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10)
        except ValueError:
            _fail("the number has too many digits", node.start_mark)

    def _construct_float(self, node: Any) -> float:
        text = node.value.lower()
        if text == ".nan":
            _fail(".nan (not a number) is no setting", node.start_mark)
        return float(text.replace(".inf", "inf"))


class _NotAccepted(yaml.MarkedYAMLError):
    """Valid YAML of a kind that scenarios do without."""


def _fail(problem: str, mark: yaml.Mark) -> NoReturn:
    raise _NotAccepted(problem=problem, problem_mark=mark)


for _name, (_pattern, _first) in _CORE_SCALARS.items():
    _tag = f"tag:yaml.org,2002:{_name}"
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), _first)
_Loader.add_constructor("tag:yaml.org,2002:null", lambda _loader, _node: None)
_Loader.add_constructor("tag:yaml.org,2002:bool", _Loader._construct_bool)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader._construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader._construct_float)
_Loader.add_constructor("tag:yaml.org,2002:str", lambda _loader, node: node.value)
_Loader.add_constructor("tag:yaml.org,2002:seq", _Loader._construct_sequence)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_mapping)


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a file that holds one mapping.

    Raises:
        ScenarioError: the file cannot be read, is not UTF-8, is not such YAML, or is no mapping;
            the message names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ScenarioError(str(path), "", _unreadable(path, error)) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"line {line}: is not UTF-8 text; save the file as UTF-8"
        raise ScenarioError(str(path), "", message) from None
    document = read_value(text, source=str(path))
    if document is None:
        raise ScenarioError(str(path), "", "is empty; give at least {name: ...}")
    if not isinstance(document, dict):
        message = f"must be a mapping of sections (key: value), not {_noun(document)}"
        raise ScenarioError(str(path), "", message)
    return document


def read_value(text: str, source: str, key: str = "") -> Any:
    """Read one YAML value: None, bool, int, float, str, list or dict (with str keys).

    Raises:
        ScenarioError: the text is not such YAML; the message names the line.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        syntax = "" if isinstance(error, _NotAccepted) else "is not valid YAML: "
        context = f"{error.context}, " if error.context else ""
        message = f"{line}{syntax}{context}{error.problem}"
        raise ScenarioError(source, key, message) from None
    except yaml.reader.ReaderError as error:
        line_number = text.count("\n", 0, error.position) + 1
        message = f"line {line_number}: character {error.character!r} is not accepted in YAML"
        raise ScenarioError(source, key, message) from None
    except RecursionError:
        raise ScenarioError(source, key, "is nested too deeply") from None


def write(mapping: Mapping[str, Any]) -> str:
    """Return a mapping of plain values as YAML that `read_value` and 1.1 readers read alike."""
    return yaml.dump(dict(mapping), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Quotes every text that either version of YAML would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


for _name, (_pattern, _first) in _CORE_SCALARS.items():
    _Dumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}:core", re.compile(rf"(?:{_pattern})\Z"), _first
    )


def _unreadable(path: Path, error: OSError) -> str:
    if path.is_dir():
        return "is a directory; name a scenario file, such as scenarios/mobile_3g.yaml"
    if isinstance(error, FileNotFoundError):
        return "no such file; name a scenario file, such as scenarios/mobile_3g.yaml"
    return f"cannot be read: {error.strerror}"


def _noun(value: object) -> str:
    return "a list" if isinstance(value, list) else f"the single value {value!r}"
