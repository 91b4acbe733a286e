"""Access networks between phones and the cloud. One file each."""

import sys
from typing import TYPE_CHECKING

from workloads.registry import choice_of, members

from .links import Links
from .network import Network

if TYPE_CHECKING:
    AnyNetwork = Network
else:
    AnyNetwork = choice_of(members(sys.modules[__name__], Network), default_kind="preset")

__all__ = ["AnyNetwork", "Links", "Network"]
