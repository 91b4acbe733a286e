"""Which replica's queue an arriving attempt joins. One file each."""

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from workloads.registry import choice_of, members

from .routing import Routing


def _named(value: Any) -> Any:
    """Let a bare name stand for the settings of that kind."""
    return {"kind": value} if isinstance(value, str) else value


if TYPE_CHECKING:
    AnyRouting = Routing
else:
    _members = members(sys.modules[__name__], Routing)
    _choice = choice_of(_members)
    _names = Literal[tuple(each.model_fields["kind"].default for each in _members)]
    AnyRouting = Annotated[
        _choice, BeforeValidator(_named, json_schema_input_type=_names | _choice)
    ]

__all__ = ["AnyRouting", "Routing"]
