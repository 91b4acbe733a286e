"""The links of a fleet: how a message gets from a phone to the cloud, or back."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import cast

from simpy import Event

from sim.clock import LINK_QUEUE, Clock
from sim.device.availability import Availability
from sim.network.conditions import ALWAYS, Conditions, Stretch
from sim.network.framing import Framing
from sim.network.latency import Latency
from sim.network.loss import LossSettings
from sim.network.medium import InterruptibleMedium, Medium, SharedMedium
from sim.network.message import Direction, Message
from sim.network.transfers import NO_RADIO, TransferLog
from sim.network.turns import Turns
from sim.radio.states import RadioStates


@dataclass(slots=True)
class Sending:
    """A message, or what is missing of it, on its way over the link.

    Attributes:
        message, direction: what travels, and which way.
        transmission: 0 the first time, then 1, 2, ...
        first_sent_s: when the message was sent.
        sent_s: when this was sent: later, of what is missing.
        latency_s: from its crossing to its arrival.
        wire_bytes: how much of it has yet to cross.
        lost_bytes: how much of it is lost, of what has yet to cross.
    """

    message: Message
    direction: Direction
    transmission: int
    first_sent_s: float
    sent_s: float
    latency_s: float
    wire_bytes: int
    lost_bytes: int


@dataclass
class Links:
    """The links of all devices, one each way.

    Upwards, a message wakes the phone's radio, crosses the link, and is then under way for the
    latency. Downwards it is under way first, and then wakes the radio and crosses. What is lost
    crosses again after a timeout. The latency is that of the time of sending. Messages of one phone
    cross one after the other, each way (`Turns`), unless the medium has a queue by itself.

    Bytes wait while the device has no coverage. When it comes back they go on crossing, and so they
    do after a change to another radio, as soon as that is awake. A medium that is not interruptible
    pauses them by itself, and they go on without another promotion.

    Attributes:
        medium: how bytes cross.
        latency: how long messages are under way besides.
        radios: what has to be awake.
        framing: what headers add.
        loss: retransmission of lost packets.
        seed: of the draws of what is lost.
        conditions: what changes with time; None where nothing does. Those of a medium that is not
            interruptible change in coverage alone.
        availability: when a phone's app is there for what reaches the phone; None where it always
            is.
        log: every transfer.
    """

    medium: Medium | SharedMedium
    latency: Latency
    radios: RadioStates
    framing: Framing
    loss: LossSettings
    seed: int
    conditions: Conditions | None = None
    availability: Availability | None = None
    log: TransferLog = field(default_factory=TransferLog)

    def __post_init__(self) -> None:
        self._shared = shared = isinstance(self.medium, SharedMedium)
        self._interruptible = isinstance(self.medium, InterruptibleMedium)
        self._in_order = not shared and cast(Medium, self.medium).in_order
        self._turns = Turns()
        self._known_wire_bytes: dict[int, int] = {}
        self._foreseeable = not (self.loss.probability or shared or self._in_order)

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
        now_s, up = clock.now, direction is Direction.UP
        latency_s = self.latency.one_way_s(direction, message, now_s)
        if up:
            reaching_s, after_s, in_sight = now_s, latency_s, True
        else:
            reaching_s, in_sight = self._turns.reach(message.device, now_s, now_s + latency_s)
            after_s = 0.0
        wire_bytes = self._wire_bytes(size_bytes)
        if self._foreseeable and in_sight:
            times_s = now_s, reaching_s, after_s
            arrived_s = self._foresee(
                now_s, message, direction, times_s, wire_bytes, waking=reaching_s == now_s
            )
            if arrived_s is not None:
                return clock.at(arrived_s, value=message)
        arrival = clock.event()
        sending = Sending(message, direction, 0, now_s, now_s, after_s, wire_bytes, 0)
        if reaching_s > now_s:
            self._turns.lose_sight(message.device, reaching_s)
            reached = clock.at(reaching_s)
            assert reached.callbacks is not None
            reached.callbacks.append(lambda _: self._begin(clock, sending, size_bytes, arrival))
        else:
            clock.process(self._travel(clock, sending, size_bytes, arrival))
        return arrival

    def _begin(self, clock: Clock, sending: Sending, size_bytes: int, arrival: Event) -> None:
        """Let a message cross from now on."""
        if self._foreseeable:
            times_s = sending.sent_s, clock.now, sending.latency_s
            message, wire_bytes = sending.message, sending.wire_bytes
            arrived_s = self._foresee(
                clock.now, message, sending.direction, times_s, wire_bytes, waking=True
            )
            if arrived_s is not None:
                clock.succeed_at(arrived_s, arrival, message)
                return
        clock.process(self._travel(clock, sending, size_bytes, arrival))

    def lose(self, clock: Clock, direction: Direction, message: Message, size_bytes: int) -> None:
        """Send a message now that never arrives, because its device has no coverage.

        It wakes no radio, and counts as sent and as lost at this instant.
        """
        now_s, wire_bytes = clock.now, self.framing.wire_bytes(size_bytes)
        times_s = now_s, now_s, now_s, now_s, math.inf
        self.log.add(message, direction, times_s, wire_bytes, wire_bytes, NO_RADIO)

    def _foresee(
        self,
        now_s: float,
        message: Message,
        direction: Direction,
        times_s: tuple[float, float, float],
        wire_bytes: int,
        *,
        waking: bool,
    ) -> float | None:
        """Return the arrival of a message on which nothing later can have an influence.

        What does not cross in one go is left out, and what needs the radio after the next change of
        conditions: something else may have woken another radio by then. So is, unless it may wake
        it, what will reach a sleeping radio: something else may wake that before.

        Args:
            now_s: when that is asked.
            message: what travels.
            direction: which way.
            times_s: when it was sent, when it reaches the link, and how long it is under way after
                its crossing.
            wire_bytes: its size.
            waking: whether it may wake the radio.
        """
        device, stretch = message.device, ALWAYS
        sent_s, wake_s, after_s = times_s
        free_s = self._turns.free_s(direction, device)
        if free_s is None:
            return None
        if free_s > wake_s:
            wake_s = free_s
        if self.conditions is not None:
            covered = self.conditions.covered_stretch(device, wake_s)
            if covered is None or covered.start_s > now_s:
                return None
            stretch = covered
        radio = stretch.radio
        if not waking and self.radios.asleep(device, wake_s, radio):
            return None
        start_s = self.radios.wake(device, wake_s, radio)
        if start_s >= stretch.end_s:
            return None
        end_s = cast(Medium, self.medium).end_s(direction, device, start_s, wire_bytes)
        if end_s > stretch.end_s:
            return None
        self.radios.busy(device, end_s)
        self._turns.occupy(direction, device, end_s)
        arrived_s = end_s + after_s
        crossing_s = sent_s, wake_s, start_s, end_s, arrived_s
        self.log.add(message, direction, crossing_s, wire_bytes, 0, radio)
        return arrived_s

    def _travel(
        self, clock: Clock, sending: Sending, size_bytes: int, arrival: Event
    ) -> Generator[Event, None, None]:
        """Bring a message to its arrival step by step, as often as packets of it are lost."""
        message, packets = sending.message, self.framing.packets(size_bytes)
        for transmission in count():
            yield from self._await_turn(clock, sending)
            loss = self._loss(message.device, clock.now)
            lost = loss.lost_packets(self.seed, sending.direction, message, transmission, packets)
            lost_bytes = min(lost * self.framing.packet_bytes, sending.wire_bytes)
            sending = replace(sending, transmission=transmission, lost_bytes=lost_bytes)
            end_s = yield from self._cross(clock, sending)
            if not self._in_order:
                next_s = clock.now if end_s == math.inf else end_s
                self._turns.leave(clock, sending.direction, message.device, next_s)
            if end_s == math.inf:
                return
            if not lost:
                clock.succeed_at(end_s + sending.latency_s, arrival, message)
                return
            yield clock.at(end_s + loss.timeout_s(transmission))
            packets = lost
            sending = replace(sending, sent_s=clock.now, wire_bytes=lost_bytes)

    def _await_turn(self, clock: Clock, sending: Sending) -> Generator[Event, None, None]:
        """Wait until the link is free, unless the medium has a queue by itself."""
        if self._in_order:
            return
        turn = self._turns.await_turn(clock, sending.direction, sending.message.device)
        if turn is not None:
            yield turn

    def _cross(self, clock: Clock, sending: Sending) -> Generator[Event, None, float]:
        """Let bytes cross from now on, in as many legs as changes make of it.

        Returns:
            When the last one has crossed, which may be still to come; infinite if it never does.
        """
        device, left_bytes = sending.message.device, float(sending.wire_bytes)
        while True:
            stretch = self._covered_stretch(device, clock.now)
            if stretch is None:
                return self._never_cross(sending)
            if stretch.start_s > clock.now:
                yield clock.at(stretch.start_s)
            if self._in_order:
                yield clock.at(clock.now, LINK_QUEUE + _place(sending.message))
            wake_s, radio = clock.now, stretch.radio
            start_s = self.radios.wake(device, wake_s, radio)
            if not self._interruptible:
                end_s = yield from self._cross_at_once(clock, sending, start_s)
                return self._log_at_once(sending, wake_s, start_s, end_s)
            medium = cast(InterruptibleMedium, self.medium)
            limit_s, end_s = stretch.end_s, math.inf
            if start_s < limit_s:
                end_s = medium.end_s(sending.direction, device, start_s, left_bytes)
            if end_s <= limit_s:
                self.radios.busy(device, end_s)
                self._log(sending, (wake_s, start_s, end_s), sending.wire_bytes, radio)
                return end_s
            start_s, end_s = min(start_s, limit_s), limit_s
            self.radios.busy(device, end_s)
            if start_s < end_s:
                can_bytes = medium.crossed_bytes(sending.direction, device, start_s, end_s)
                left_bytes = max(left_bytes - can_bytes, 0.0)
            # A byte that is cut counts with the leg in which its last bit crosses.
            leg_bytes = sending.wire_bytes - math.ceil(left_bytes)
            self._log(sending, (wake_s, start_s, end_s), leg_bytes, radio)
            yield clock.at(end_s)

    def _cross_at_once(
        self, clock: Clock, sending: Sending, start_s: float
    ) -> Generator[Event, float, float]:
        """Let all bytes cross from `start_s` on, by a medium that pauses them by itself."""
        direction, device = sending.direction, sending.message.device
        if not self._shared:
            return cast(Medium, self.medium).end_s(direction, device, start_s, sending.wire_bytes)
        if start_s > clock.now:
            yield clock.at(start_s)
        crossed = clock.event()
        self.radios.hold(device)
        medium = cast(SharedMedium, self.medium)
        medium.begin(clock, direction, device, sending.wire_bytes, crossed)
        end_s = yield crossed
        self.radios.release(device)
        return end_s

    def _log_at_once(self, sending: Sending, wake_s: float, start_s: float, end_s: float) -> float:
        """Write down a leg for each time with coverage until all bytes have crossed.

        All bytes count with the last leg, in which the last of them crosses.
        """
        device = sending.message.device
        while True:
            stretch = self._covered_stretch(device, wake_s)
            if stretch is None:
                return self._never_cross(sending)
            if stretch.start_s > wake_s:
                wake_s = start_s = stretch.start_s
            last = end_s <= stretch.end_s
            leg_end_s = end_s if last else stretch.end_s
            self.radios.busy(device, leg_end_s)
            times_s = wake_s, min(start_s, leg_end_s), leg_end_s
            self._log(sending, times_s, sending.wire_bytes if last else 0, stretch.radio)
            if last:
                return end_s
            wake_s = start_s = leg_end_s

    def _never_cross(self, sending: Sending) -> float:
        """Write down that the rest waits for ever; return when it has crossed."""
        sending.lost_bytes = 0
        self._log(sending, (math.inf, math.inf, math.inf), sending.wire_bytes, NO_RADIO)
        return math.inf

    def _log(
        self, sending: Sending, times_s: tuple[float, float, float], leg_bytes: int, radio: int
    ) -> None:
        """Write a leg down, whose times are wake, start and end."""
        lost_bytes = min(sending.lost_bytes, leg_bytes)
        sending.lost_bytes -= lost_bytes
        sending.wire_bytes -= leg_bytes
        none_left = lost_bytes and lost_bytes == leg_bytes
        self.log.add(
            sending.message,
            sending.direction,
            (sending.sent_s, *times_s, math.inf if none_left else times_s[-1] + sending.latency_s),
            leg_bytes,
            lost_bytes,
            radio,
            sending.transmission,
            sending.first_sent_s,
        )

    def _loss(self, device: int, time_s: float) -> LossSettings:
        """Return how packets are lost of what begins to cross as soon as there is coverage."""
        stretch = self._covered_stretch(device, time_s)
        if self.conditions is None or stretch is None:
            return self.loss
        return self.conditions.loss(device, max(time_s, stretch.start_s))

    def _wire_bytes(self, size_bytes: int) -> int:
        """Return what framing makes of a size; few sizes are met, but often."""
        wire_bytes = self._known_wire_bytes.get(size_bytes)
        if wire_bytes is None:
            wire_bytes = self._known_wire_bytes[size_bytes] = self.framing.wire_bytes(size_bytes)
        return wire_bytes

    def _covered_stretch(self, device: int, time_s: float) -> Stretch | None:
        if self.conditions is None:
            return ALWAYS
        return self.conditions.covered_stretch(device, time_s)


def _place(message: Message) -> int:
    """Return a number that no other message of the device has."""
    return (message.step << 32) + (message.carries_parameters << 31) + message.number
