"""How many replicas are switched on, and when that changes. One file each."""

import sys
from typing import TYPE_CHECKING

from workloads.registry import choice_of, members

from .autoscaling import Autoscaling, ScalingView

if TYPE_CHECKING:
    AnyAutoscaling = Autoscaling
else:
    AnyAutoscaling = choice_of(members(sys.modules[__name__], Autoscaling))

__all__ = ["AnyAutoscaling", "Autoscaling", "ScalingView"]
