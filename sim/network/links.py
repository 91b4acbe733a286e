"""The links of a fleet: how a message gets from a phone to the cloud, or back."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import NamedTuple, cast

from simpy import Event

from sim.availability import Availability
from sim.clock import Clock
from sim.network.conditions import ALWAYS, Conditions, Stretch
from sim.network.framing import Framing
from sim.network.latency import Latency
from sim.network.loss import Losses, LossSettings
from sim.network.medium import InterruptibleMedium, Medium, SharedMedium
from sim.network.message import Direction, Message
from sim.network.radio_states import RadioStates
from sim.network.transfers import NO_RADIO, TransferLog


class Leg(NamedTuple):
    """A part of a transmission that crossed while nothing changed."""

    wake_s: float
    start_s: float
    end_s: float
    wire_bytes: int
    radio: int


@dataclass
class Links:
    """The links of all devices, one each way.

    Upwards, a message wakes the phone's radio, crosses the link, and is then under way for the
    latency. Downwards it is under way first, and then wakes the radio and crosses. What is lost
    crosses again after a timeout. The latency is that of the time of sending.

    Bytes wait while the device has no coverage. When it comes back they go on crossing, and so they
    do after a change to another radio, as soon as that is awake.

    Attributes:
        medium: how bytes cross.
        latency: how long messages are under way besides.
        radios: what has to be awake.
        framing: what headers add.
        loss: retransmission of lost packets.
        losses: which packets are lost.
        conditions: what changes with time; None where nothing does. Links of an
            `InterruptibleMedium` alone can have any.
        availability: when a phone's app is there for what reaches the phone; None where it always
            is.
        log: every transfer.
    """

    medium: Medium | SharedMedium
    latency: Latency
    radios: RadioStates
    framing: Framing
    loss: LossSettings
    losses: Losses
    conditions: Conditions | None = None
    availability: Availability | None = None
    log: TransferLog = field(default_factory=TransferLog)

    def __post_init__(self) -> None:
        in_order = getattr(self.medium, "in_order", True)
        self._foreseeable = not self.losses.probability and not in_order

    def covered(self, device: int, time_s: float) -> bool:
        """Tell whether the device has a network at that time."""
        return self.medium.covered(device, time_s)

    def carry(self, clock: Clock, direction: Direction, message: Message, size_bytes: int) -> Event:
        """Send a message now.

        Returns:
            The event of its last byte's arrival, or of the app's return to the foreground where
            that is later; its value is the message.
        """
        arrival = self._carry(clock, direction, message, size_bytes)
        if self.availability is None or direction == Direction.UP:
            return arrival
        taken, availability = clock.event(), self.availability

        def take(_: Event) -> None:
            clock.succeed_at(availability.on_s(message.device, clock.now), taken, message)

        assert arrival.callbacks is not None
        arrival.callbacks.append(take)
        return taken

    def _carry(
        self, clock: Clock, direction: Direction, message: Message, size_bytes: int
    ) -> Event:
        """Send a message now and return the event of its last byte's arrival."""
        latency_s = self.latency.one_way_s(direction, message, clock.now)
        if self._foreseeable:
            arrival = self._foresee(clock, direction, message, size_bytes, latency_s)
            if arrival is not None:
                return arrival
        arrival = clock.event()
        clock.process(self._travel(clock, direction, message, size_bytes, latency_s, arrival))
        return arrival

    def lose(self, clock: Clock, direction: Direction, message: Message, size_bytes: int) -> None:
        """Send a message now that never arrives, because its device has no coverage.

        It wakes no radio, and counts as sent and as lost at this instant.
        """
        now_s, wire_bytes = clock.now, self.framing.wire_bytes(size_bytes)
        times_s = now_s, now_s, now_s, now_s, math.inf
        self.log.add(message, direction, times_s, wire_bytes, wire_bytes, NO_RADIO)

    def _foresee(
        self,
        clock: Clock,
        direction: Direction,
        message: Message,
        size_bytes: int,
        latency_s: float,
    ) -> Event | None:
        """Return the arrival of a message on which nothing later can have an influence.

        What reaches a sleeping radio is left out: something else may wake it before. So is what
        does not cross in one go.
        """
        device, now_s, up = message.device, clock.now, direction == Direction.UP
        wake_s = now_s if up else now_s + latency_s
        stretch = self._covered_stretch(device, wake_s)
        if stretch is None or stretch.start_s > wake_s:
            return None
        radio = stretch.radio
        if not up and self.radios.asleep(device, wake_s, radio):
            return None
        wire_bytes = self.framing.wire_bytes(size_bytes)
        start_s = self.radios.wake(device, wake_s, radio)
        if start_s >= stretch.end_s:
            return None
        end_s = cast(Medium, self.medium).end_s(direction, device, start_s, wire_bytes)
        if end_s > stretch.end_s:
            return None
        self.radios.busy(device, end_s)
        arrived_s = end_s + latency_s if up else end_s
        times_s = now_s, wake_s, start_s, end_s, arrived_s
        self.log.add(message, direction, times_s, wire_bytes, 0, radio)
        return clock.at(arrived_s, value=message)

    def _travel(
        self,
        clock: Clock,
        direction: Direction,
        message: Message,
        size_bytes: int,
        latency_s: float,
        arrival: Event,
    ) -> Generator[Event, None, None]:
        """Bring a message to its arrival step by step, as often as packets of it are lost."""
        device, sent_s, up = message.device, clock.now, direction == Direction.UP
        packets = self.framing.packets(size_bytes)
        wire_bytes = self.framing.wire_bytes(size_bytes)
        if not up and latency_s:
            yield clock.at(sent_s + latency_s)
        for transmission in count():
            legs = yield from self._cross(clock, direction, device, wire_bytes)
            end_s, loss, losses = legs[-1].end_s, self.loss, self.losses
            if self.conditions is not None and end_s < math.inf:
                loss = self.conditions.loss(device, legs[-1].start_s)
                losses = replace(losses, probability=loss.probability)
            lost = 0
            if end_s < math.inf:
                lost = losses.lost_packets(direction, message, transmission, packets)
            lost_bytes = to_lose = min(lost * self.framing.packet_bytes, wire_bytes)
            for leg in legs:
                leg_lost = min(to_lose, leg.wire_bytes)
                to_lose -= leg_lost
                arrived_s = leg.end_s + latency_s if up else leg.end_s
                if leg_lost and leg_lost == leg.wire_bytes:
                    arrived_s = math.inf
                times_s = sent_s, leg.wake_s, leg.start_s, leg.end_s, arrived_s
                self.log.add(
                    message, direction, times_s, leg.wire_bytes, leg_lost, leg.radio, transmission
                )
            if end_s == math.inf:
                return
            if not lost:
                clock.succeed_at(end_s + latency_s if up else end_s, arrival, message)
                return
            yield clock.at(end_s + loss.timeout_s(transmission))
            packets, wire_bytes, sent_s = lost, lost_bytes, clock.now

    def _cross(
        self, clock: Clock, direction: Direction, device: int, wire_bytes: int
    ) -> Generator[Event, None, list[Leg]]:
        """Let bytes cross from now on; return, not before the last leg begins, the legs.

        If coverage never comes back, the last leg is at infinite times.
        """
        legs: list[Leg] = []
        crossed_bytes: float = 0
        logged_bytes = 0
        while True:
            stretch = self._covered_stretch(device, clock.now)
            if stretch is None:
                left_bytes = wire_bytes - logged_bytes
                return [*legs, Leg(math.inf, math.inf, math.inf, left_bytes, NO_RADIO)]
            if stretch.start_s > clock.now:
                yield clock.at(stretch.start_s)
            wake_s = clock.now
            start_s = self.radios.wake(device, wake_s, stretch.radio)
            if start_s >= stretch.end_s:
                self.radios.busy(device, stretch.end_s)
                legs.append(Leg(wake_s, stretch.end_s, stretch.end_s, 0, stretch.radio))
                yield clock.at(stretch.end_s)
                continue
            remaining_bytes = wire_bytes - crossed_bytes
            medium = cast(SharedMedium | InterruptibleMedium, self.medium)
            if isinstance(medium, SharedMedium):
                if start_s > wake_s:
                    yield clock.at(start_s)
                crossed = clock.event()
                medium.begin(clock, direction, device, wire_bytes, crossed)
                yield crossed
                end_s = clock.now
            else:
                end_s = medium.end_s(direction, device, start_s, remaining_bytes)
            if end_s <= stretch.end_s:
                self.radios.busy(device, end_s)
                leg_bytes = wire_bytes - logged_bytes
                return [*legs, Leg(wake_s, start_s, end_s, leg_bytes, stretch.radio)]
            end_s = stretch.end_s
            self.radios.busy(device, end_s)
            assert not isinstance(medium, SharedMedium)
            crossed_bytes += min(
                medium.crossed_bytes(direction, device, start_s, end_s), remaining_bytes
            )
            # A byte that is cut counts with the leg in which its last bit crosses.
            leg_bytes = int(crossed_bytes) - logged_bytes
            logged_bytes += leg_bytes
            legs.append(Leg(wake_s, start_s, end_s, leg_bytes, stretch.radio))
            yield clock.at(end_s)

    def _covered_stretch(self, device: int, time_s: float) -> Stretch | None:
        if self.conditions is None:
            return ALWAYS
        return self.conditions.covered_stretch(device, time_s)
