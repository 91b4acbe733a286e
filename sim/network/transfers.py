"""Every transfer over a device's link, as it happens: what energy and bytes are counted from."""

import math
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.network.message import Direction, Message

NO_RADIO = -1
"""Position of the radio of what never crossed a link."""

DEVICES_PER_BLOCK = 8192
"""Devices whose transfers are looked at together: what is counted of them stays small."""


@dataclass(frozen=True)
class Transfers:
    """Transfers of many devices; arrays with one entry each, in any order.

    A message is one transfer, but for two cases. What is lost of it is sent again, by another one.
    And where its device gets into another regime before its last byte has crossed, or a disturbance
    begins or ends, each part that crosses while nothing changes is one.

    Attributes:
        device: int32; whose link.
        direction: int8; a `Direction`.
        parameters: bool; whether it carried parameters of the SRM, and no request or reply.
        radio: int8; position of the device's radio among those of the network; `NO_RADIO` where
            the bytes never crossed, because there was no coverage.
        transmission: int8; 0 of a message that is sent for the first time, 1, 2, ... of what is
            sent again.
        first_sent_s: float64; when the sender, phone or cloud, first sent its message.
        sent_s: float64; when it sent this: later, of what is sent again.
        wake_s: float64; when the phone's radio had to be there.
        start_s, end_s: float64; when its bytes crossed the link; from `wake_s` to `start_s` the
            radio was promoted, or other bytes were before them. All infinite for bytes that wait
            for coverage that never comes.
        arrived_s: float64; when its last byte reached the other side; infinite if it never does.
        wire_bytes: int64; with headers.
        lost_bytes: int64; how many of them were lost, which is so at `end_s`.
    """

    device: NDArray[np.int32]
    direction: NDArray[np.int8]
    parameters: NDArray[np.bool_]
    radio: NDArray[np.int8]
    transmission: NDArray[np.int8]
    first_sent_s: NDArray[np.float64]
    sent_s: NDArray[np.float64]
    wake_s: NDArray[np.float64]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    arrived_s: NDArray[np.float64]
    wire_bytes: NDArray[np.int64]
    lost_bytes: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> "Transfers":
        """Return some of them."""
        if chosen.all():
            return self
        return Transfers(**{name: column[chosen] for name, column in vars(self).items()})

    def blocks(self, devices: int = DEVICES_PER_BLOCK) -> "Iterator[Transfers]":
        """Yield the transfers of the first so many devices, of the next ones, and so on.

        Those of a block are in the order of devices, and of one device in the order that they are
        in here. Where that is the order of all of them, blocks are views that copy nothing.
        """
        ordered = self
        if (self.device[1:] < self.device[:-1]).any():
            ordered = self._part(np.argsort(self.device, kind="stable"))
        last = int(ordered.device[-1]) if len(ordered.device) else -1
        ends = np.searchsorted(ordered.device, np.arange(devices, last + devices + 1, devices))
        start = 0
        for end in ends.tolist():
            if end > start:
                yield ordered._part(slice(start, end))
            start = end

    def _part(self, part: "slice | NDArray[np.intp]") -> "Transfers":
        return Transfers(**{name: column[part] for name, column in vars(self).items()})


class Crossing(NamedTuple):
    """What a transfer costs the radio depends on; those of a device are in order by these values.

    Attributes:
        wake_s, start_s, end_s, direction, wire_bytes, radio: as in `Transfers`.
    """

    wake_s: float
    start_s: float
    end_s: float
    direction: Direction
    wire_bytes: int
    radio: int


class TransferLog:
    """Collects transfers in preallocated columns that grow."""

    note: Callable[[int, Crossing], None] | None = None
    """Told of each transfer as it is written down, with its device."""

    def __init__(self) -> None:
        self._device = array("i")
        self._kinds = array("b")
        self._times_s = array("d")
        self._bytes = array("q")
        self._first_sent_s: dict[int, float] = {}

    def add(
        self,
        message: Message,
        direction: Direction,
        times_s: tuple[float, float, float, float, float],
        wire_bytes: int,
        lost_bytes: int = 0,
        radio: int = 0,
        transmission: int = 0,
        first_sent_s: float = math.nan,
    ) -> None:
        """Write a transfer down; `times_s` are sent, wake, start, end, arrived.

        `first_sent_s` is needed of what is sent again.
        """
        if transmission:
            self._first_sent_s[len(self._device)] = first_sent_s
        self._device.append(message.device)
        number = transmission if transmission < 127 else 127
        self._kinds.extend((direction, message.carries_parameters, radio, number))
        self._times_s.extend(times_s)
        self._bytes.extend((wire_bytes, lost_bytes))
        if self.note is not None:
            _, wake_s, start_s, end_s, _ = times_s
            crossing = Crossing(wake_s, start_s, end_s, direction, wire_bytes, radio)
            self.note(message.device, crossing)

    def columns(self) -> Transfers:
        """Return everything so far."""
        times_s = np.array(self._times_s).reshape(-1, 5).T
        sizes = np.array(self._bytes, np.int64).reshape(-1, 2).T
        kinds = np.array(self._kinds, np.int8).reshape(-1, 4).T
        direction, parameters, radio, transmission = kinds
        first_sent_s = times_s[0].copy()
        first_sent_s[list(self._first_sent_s)] = list(self._first_sent_s.values())
        return Transfers(
            np.array(self._device, np.int32),
            np.ascontiguousarray(direction),
            parameters.astype(np.bool_),
            np.ascontiguousarray(radio),
            np.ascontiguousarray(transmission),
            first_sent_s,
            *(np.ascontiguousarray(column) for column in times_s),
            *(np.ascontiguousarray(column) for column in sizes),
        )
