"""Request policies: when a device asks the cloud for a fresh candidate list. One file each."""

import sys
from typing import TYPE_CHECKING

from workloads.registry import choice_of, members

from .mixture import Mixture
from .policy import Policy, PolicyView
from .tunable import TunablePolicy

if TYPE_CHECKING:
    AnyPolicy = Policy
else:
    _MEMBERS = members(sys.modules[__name__], Policy)
    AnyPolicy = choice_of(_MEMBERS)
    # Policies that hold others are complete when all are known; they are asked for twice, because
    # each of them is part of what the others wait for.
    _HOLDERS = [each for each in _MEMBERS if not each.__pydantic_complete__]
    for _last in (False, True):
        for _each in _HOLDERS:
            _each.model_rebuild(
                force=True, raise_errors=_last, _types_namespace={"AnyPolicy": AnyPolicy}
            )

__all__ = ["AnyPolicy", "Mixture", "Policy", "PolicyView", "TunablePolicy"]
