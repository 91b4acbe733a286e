"""What a network is: settings that make the links of a fleet of devices."""

from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator
from simpy import Event

from sim.clock import Clock
from sim.radio import radio_names
from workloads.settings import Settings, invalid


class Direction(IntEnum):
    """Which way a message travels."""

    UP = 0
    DOWN = 1


class Message(Protocol):
    """What travels: whose it is, and the step whose random draws it takes."""

    @property
    def device(self) -> int:
        """Whose link it takes."""
        ...

    @property
    def step(self) -> int:
        """Replay step of the draws that it takes, as of its latency."""
        ...


class Links(Protocol):
    """The links of all devices, one each way."""

    def carry(self, clock: Clock, direction: Direction, message: Message, size_bytes: int) -> Event:
        """Send a message now.

        Returns:
            The event of its last byte's arrival; its value is the message.
        """
        ...

    def transfers_s(
        self, direction: Direction, device: NDArray[np.integer], size_bytes: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Time for which each message keeps the radio busy: its bytes at the link's speed."""
        ...


class Network(Settings):
    """Settings of an access network. A subclass gives a `kind` and makes the links."""

    radio: str = "none"
    """Radio whose power states the phone pays for: a name in `sim/radios.yaml`."""

    @field_validator("radio")
    @classmethod
    def _radio_is_known(cls, radio: str) -> str:
        if radio not in radio_names():
            raise invalid(f"is {radio!r}; accepted: {', '.join(radio_names())}")
        return radio

    def links(self, seed: int, devices: int, steps: int) -> Links:
        """Make the links of a fleet for `steps` replay steps, with draws keyed by `seed`."""
        raise NotImplementedError
