"""How a replica combines requests. One file each."""

import sys
from typing import TYPE_CHECKING

from workloads.registry import choice_of, members

from .batching import Batching

if TYPE_CHECKING:
    AnyBatching = Batching
else:
    AnyBatching = choice_of(members(sys.modules[__name__], Batching), default_kind="static")

__all__ = ["AnyBatching", "Batching"]
