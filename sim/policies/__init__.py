"""Request policies: when a device asks the cloud for a fresh candidate list. One file each."""

import sys
from typing import TYPE_CHECKING

from workloads.registry import choice_of, members

from .policy import Policy, PolicyView

if TYPE_CHECKING:
    AnyPolicy = Policy
else:
    AnyPolicy = choice_of(members(sys.modules[__name__], Policy))

__all__ = ["AnyPolicy", "Policy", "PolicyView"]
