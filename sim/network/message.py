"""What travels over a link."""

from enum import IntEnum
from typing import Protocol


class Direction(IntEnum):
    """Which way a message travels."""

    UP = 0
    DOWN = 1


class Message(Protocol):
    """What travels: whose it is, and which random draws it takes."""

    @property
    def device(self) -> int:
        """Whose link it takes."""
        ...

    @property
    def step(self) -> int:
        """Replay step of a request or reply, version of parameters: the index of its draws."""
        ...

    @property
    def number(self) -> int:
        """Number of the attempt, which has draws of its own; 0 for the first."""
        ...

    @property
    def carries_parameters(self) -> bool:
        """Whether it carries parameters of the SRM, and is no request or reply."""
        ...
