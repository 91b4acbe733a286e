"""What each phone's radio is doing: when a first byte can go, and how long its tail lasts."""

import math
from collections.abc import Sequence
from functools import cached_property

from sim.radio.radio import Radio


class RadioStates:
    """The radios of a fleet.

    A radio that has been idle beyond its tail is promoted before the first byte crosses; one in its
    tail, or at work, is there at once; one that is being promoted is there when it is.

    Attributes:
        radios: those that a device can be on.

    Args:
        radios: those that a device can be on, by position.
        devices: how many devices.
    """

    def __init__(self, radios: Sequence[Radio], devices: int) -> None:
        self.radios = tuple(radios)
        self._promotion_s = [radio.promotion_s for radio in radios]
        self._tail_s = [radio.tail_s for radio in radios]
        self._instant = not any(self._promotion_s)
        self._devices = devices

    # Made when a first message crosses: whoever only asks for the radios needs none of these.

    @cached_property
    def _ready_s(self) -> list[float]:
        return [-math.inf] * self._devices

    @cached_property
    def _idle_s(self) -> list[float]:
        return [-math.inf] * self._devices

    @cached_property
    def _radio(self) -> list[int]:
        return [0] * self._devices

    @cached_property
    def _holding(self) -> list[int]:
        return [0] * self._devices

    def asleep(self, device: int, time_s: float, radio: int = 0) -> bool:
        """Tell whether a transfer that reaches the phone at that time finds no radio ready."""
        if self._instant:
            return False
        if time_s > self._idle_s[device] and not self._holding[device]:
            return True
        return radio != self._radio[device]

    def wake(self, device: int, time_s: float, radio: int = 0) -> float:
        """Return when the first byte of a transfer can cross that needs the radio at `time_s`.

        To be called in the order of times for each device.
        """
        if self._instant:
            return time_s
        if self.asleep(device, time_s, radio):
            ready_s = time_s + self._promotion_s[radio]
            self._ready_s[device], self._radio[device] = ready_s, radio
            self.busy(device, ready_s)
            return ready_s
        ready_s = self._ready_s[device]
        return ready_s if ready_s > time_s else time_s

    def busy(self, device: int, until_s: float) -> None:
        """Note that the radio transfers until then; its tail follows."""
        if not self._instant:
            idle_s = until_s + self._tail_s[self._radio[device]]
            if idle_s > self._idle_s[device]:
                self._idle_s[device] = idle_s

    def hold(self, device: int) -> None:
        """Note that the radio transfers from now on, until nobody knows when."""
        if not self._instant:
            self._holding[device] += 1

    def release(self, device: int) -> None:
        """Note that such a transfer has ended; `busy` tells when."""
        if not self._instant:
            self._holding[device] -= 1
