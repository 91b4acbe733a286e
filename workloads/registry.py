"""Families whose members are one file each: a new one is found and touches no other file."""

import importlib
import pkgutil
from types import ModuleType
from typing import Annotated, Any, TypeVar, Union

from pydantic import BeforeValidator, Field

T = TypeVar("T")


def members(package: ModuleType, base: type[T]) -> tuple[type[T], ...]:
    """Return the classes in the modules of `package` that derive from `base` and carry a `kind`.

    Sorted by module and name, so the order never depends on the file system.
    """
    found: dict[str, type[T]] = {}
    for module_info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        for name, value in sorted(vars(module).items()):
            own = isinstance(value, type) and value.__module__ == module.__name__
            if own and issubclass(value, base) and "kind" in getattr(value, "model_fields", {}):
                found[f"{module_info.name}.{name}"] = value
    return tuple(found.values())


def choice_of(classes: tuple[type, ...], default_kind: str | None = None) -> Any:
    """Return the pydantic type "one of these classes, told apart by `kind`".

    `default_kind` is taken where a mapping gives no `kind`.
    """

    def with_kind(value: object) -> object:
        if default_kind is not None and isinstance(value, dict) and "kind" not in value:
            return {"kind": default_kind, **value}
        return value

    if len(classes) == 1:
        return Annotated[classes[0], BeforeValidator(with_kind)]
    one_of: Any = Union[classes]  # noqa: UP007 - the members are known only at run time
    return Annotated[one_of, Field(discriminator="kind"), BeforeValidator(with_kind)]
