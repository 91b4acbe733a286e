"""Families whose members are one file each: a new one is found and touches no other file."""

import importlib
import importlib.util
import pkgutil
import traceback
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any, TypeVar, Union

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from workloads.errors import BrokenMember

T = TypeVar("T")


def members(package: ModuleType, base: type[T]) -> tuple[type[T], ...]:
    """Return the classes in the modules of `package` that derive from `base` and carry a `kind`.

    Sorted by module and name, so the order never depends on the file system.

    Raises:
        BrokenMember: one of the modules cannot be imported.
    """
    found: dict[str, type[T]] = {}
    for module_info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module = _imported(f"{package.__name__}.{module_info.name}")
        for name, value in sorted(vars(module).items()):
            own = isinstance(value, type) and value.__module__ == module.__name__
            if own and issubclass(value, base) and "kind" in getattr(value, "model_fields", {}):
                found[f"{module_info.name}.{name}"] = value
    return tuple(found.values())


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except BrokenMember:
        raise
    except Exception as error:
        spec = importlib.util.find_spec(name)
        file = (spec and spec.origin) or name
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == file]
        what = str(error)
        if isinstance(error, SyntaxError):
            file, lines, what = error.filename or file, [error.lineno], error.msg
        where = f"line {lines[-1]}: " if lines else ""
        raise BrokenMember(file, f"{where}{type(error).__name__}: {what}") from error


@dataclass(frozen=True)
class KindsInSchema:
    """Writes a choice by `kind` into the JSON Schema as files may give it; annotates its type.

    Pydantic asks for a `kind` only where a class has no default for it, although the choice cannot
    be made without one.

    Attributes:
        default_kind: need not be written; None: a kind must be.
        bare_names: whether a name by itself stands for the settings of that kind.
    """

    default_kind: str | None = None
    bare_names: bool = False

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema of the choice, with `kind` required in all members but the default."""
        choice = handler(core_schema)
        mapping: dict[str, str] = choice["discriminator"]["mapping"]
        choice["oneOf"] = [
            {"$ref": reference} | ({} if kind == self.default_kind else {"required": ["kind"]})
            for kind, reference in mapping.items()
        ]
        return {"anyOf": [{"enum": list(mapping)}, choice]} if self.bare_names else choice


def choice_of(
    classes: tuple[type, ...], default_kind: str | None = None, *, bare_names: bool = False
) -> Any:
    """Return the pydantic type "one of these classes, told apart by `kind`".

    `default_kind` is taken where a mapping gives no `kind`. With `bare_names` a text stands for the
    settings of the kind that it names.
    """

    def with_kind(value: object) -> object:
        if bare_names and isinstance(value, str):
            return {"kind": value}
        if default_kind is not None and isinstance(value, dict) and "kind" not in value:
            return {"kind": default_kind, **value}
        return value

    if len(classes) == 1:
        return Annotated[classes[0], BeforeValidator(with_kind)]
    one_of: Any = Union[classes]  # noqa: UP007 - the members are known only at run time
    return Annotated[
        one_of,
        Field(discriminator="kind"),
        BeforeValidator(with_kind),
        KindsInSchema(default_kind, bare_names),
    ]
