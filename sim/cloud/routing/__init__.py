"""Which replica's queue an arriving attempt joins. One file each."""

import sys
from typing import TYPE_CHECKING

from workloads.registry import choice_of, members

from .routing import Routing

if TYPE_CHECKING:
    AnyRouting = Routing
else:
    AnyRouting = choice_of(members(sys.modules[__name__], Routing), bare_names=True)

__all__ = ["AnyRouting", "Routing"]
