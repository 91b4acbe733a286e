"""What a network is: settings that make the links of a fleet of devices."""

from enum import IntEnum
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from simpy import Event

from sim.clock import Clock
from sim.request import Request
from workloads.settings import Settings


class Direction(IntEnum):
    """Which way a message travels."""

    UP = 0
    DOWN = 1


class Links(Protocol):
    """The links of all devices, one each way."""

    def carry(self, clock: Clock, direction: Direction, request: Request, size_bytes: int) -> Event:
        """Send a message of `request` now.

        Returns:
            The event of its last byte's arrival; its value is the request.
        """
        ...

    def transfers_s(
        self, direction: Direction, device: NDArray[np.integer], size_bytes: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Time for which each message keeps the radio busy: its bytes at the link's speed."""
        ...


class Network(Settings):
    """Settings of an access network. A subclass gives a `kind` and makes the links."""

    radio: Literal["none", "3g", "lte", "wifi"] = "none"
    """Radio whose power states the phone pays for (`sim/radios.yaml`)."""

    def links(self, seed: int, devices: int, steps: int) -> Links:
        """Make the links of a fleet for `steps` replay steps, with draws keyed by `seed`."""
        raise NotImplementedError
