"""Which hardware each device of a fleet has, and what scoring a list takes on it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.device.hardware import Hardware, HardwareClass


@dataclass(frozen=True)
class Phones:
    """The hardware of a fleet.

    Attributes:
        hardware: the kinds of phones.
        position: int8, shape [devices]; which of them each device is.
        scoring_s: of each kind, the time of one scoring of the list by the SRM.
    """

    hardware: tuple[Hardware, ...]
    position: NDArray[np.int8]
    scoring_s: tuple[float, ...]

    @property
    def classes(self) -> NDArray[np.str_]:
        """Name of each device's class, or nothing where there are none: str, shape [devices]."""
        names = [each.kind if isinstance(each, HardwareClass) else "" for each in self.hardware]
        return np.array(names)[self.position]

    def of(self, device: int) -> Hardware:
        """Return the hardware of one device."""
        return self.hardware[int(self.position[device])]

    def scoring_s_of(self, device: int) -> float:
        """Return the time of one scoring on one device."""
        return self.scoring_s[int(self.position[device])]

    def groups(self) -> Iterator[tuple[Hardware, float, NDArray[np.bool_]]]:
        """Give each kind of phone, the time of its scoring, and which devices are of it."""
        for position, (hardware, scoring_s) in enumerate(
            zip(self.hardware, self.scoring_s, strict=True)
        ):
            yield hardware, scoring_s, self.position == position
