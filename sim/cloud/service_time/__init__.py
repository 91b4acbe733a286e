"""How long the cloud takes for a batch, in simulated seconds. One file each."""

import sys
from typing import TYPE_CHECKING

from workloads.registry import choice_of, members

from .service_time import ServiceTime

if TYPE_CHECKING:
    AnyServiceTime = ServiceTime
else:
    AnyServiceTime = choice_of(members(sys.modules[__name__], ServiceTime))

__all__ = ["AnyServiceTime", "ServiceTime"]
