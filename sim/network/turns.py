"""Whose turn it is on a device's link: messages cross one after the other, each way."""

import math
from collections import deque

from simpy import Event

from sim.clock import Clock
from sim.network.message import Direction


class Turns:
    """The order in which messages cross the links of a fleet: first in, first out.

    What crosses occupies its link from the moment at which it needs the radio until its last byte
    has crossed. Links of different devices, and the two ways of one link, do not concern each
    other.
    """

    def __init__(self) -> None:
        self._free_s: tuple[dict[int, float], dict[int, float]] = ({}, {})
        self._reached_s: dict[int, float] = {}
        self._out_of_sight_s: dict[int, float] = {}
        self._waiting: dict[tuple[Direction, int], deque[Event]] = {}

    def reach(self, device: int, now_s: float, time_s: float) -> tuple[float, bool]:
        """Return when a message that is sent downwards now reaches the link, by itself at `time_s`.

        It does not overtake those that were sent before it: latency varies, but packets of one path
        stay in order. So it comes after them, if only by the least time that there is.

        Returns:
            That time, and whether the turns of all that were sent before are known.
        """
        reached_s = self._reached_s.get(device, -math.inf)
        if time_s <= reached_s:
            time_s = math.nextafter(reached_s, math.inf)
        self._reached_s[device] = time_s
        return time_s, now_s > self._out_of_sight_s.get(device, -math.inf)

    def lose_sight(self, device: int, reaching_s: float) -> None:
        """Note that a message is under way downwards of which nobody knows when it will cross."""
        self._out_of_sight_s[device] = reaching_s

    def free_s(self, direction: Direction, device: int) -> float | None:
        """Return from when on a link is free; None where that is not known yet."""
        if self._waiting and (direction, device) in self._waiting:
            return None
        return self._free_s[direction].get(device, -math.inf)

    def occupy(self, direction: Direction, device: int, until_s: float) -> None:
        """Have a free link occupied by what crosses until a time that is known."""
        self._free_s[direction][device] = until_s

    def await_turn(self, clock: Clock, direction: Direction, device: int) -> Event | None:
        """Queue up for a link; return the event of one's turn, None if that is now.

        Who has had it leaves by `leave`.
        """
        waiting = self._waiting.get((direction, device))
        if waiting is not None:
            turn = clock.event()
            waiting.append(turn)
            return turn
        self._waiting[direction, device] = deque()
        free_s = self._free_s[direction].get(device, -math.inf)
        return clock.at(free_s) if free_s > clock.now else None

    def leave(self, clock: Clock, direction: Direction, device: int, end_s: float) -> None:
        """Let the next one have its turn at `end_s`, which may be still to come."""
        waiting = self._waiting[direction, device]
        if waiting:
            clock.succeed_at(end_s, waiting.popleft())
        else:
            del self._waiting[direction, device]
            self._free_s[direction][device] = end_s
