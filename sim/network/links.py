"""The links of a fleet: how a message gets from a phone to the cloud, or back."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from simpy import Event

from sim.clock import Clock
from sim.network.framing import Framing
from sim.network.latency import Latency
from sim.network.loss import Losses, LossSettings
from sim.network.medium import Medium, SharedMedium
from sim.network.message import Direction, Message
from sim.network.radio_states import RadioStates
from sim.network.transfers import TransferLog


@dataclass
class Links:
    """The links of all devices, one each way.

    Upwards, a message wakes the phone's radio, crosses the link, and is then under way for the
    latency. Downwards it is under way first, and then wakes the radio and crosses. What is lost
    crosses again after a timeout.

    Attributes:
        medium: how bytes cross.
        latency: how long messages are under way besides.
        radios: what has to be awake.
        framing: what headers add.
        loss: retransmission of lost packets.
        losses: which packets are lost.
        log: every transfer.
    """

    medium: Medium | SharedMedium
    latency: Latency
    radios: RadioStates
    framing: Framing
    loss: LossSettings
    losses: Losses
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
            The event of its last byte's arrival; its value is the message.
        """
        latency_s = self.latency.one_way_s(direction, message, clock.now)
        if self._foreseeable:
            arrival = self._foresee(clock, direction, message, size_bytes, latency_s)
            if arrival is not None:
                return arrival
        arrival = clock.event()
        clock.process(self._travel(clock, direction, message, size_bytes, latency_s, arrival))
        return arrival

    def _foresee(
        self,
        clock: Clock,
        direction: Direction,
        message: Message,
        size_bytes: int,
        latency_s: float,
    ) -> Event | None:
        """Return the arrival of a message on which nothing later can have an influence.

        What reaches a sleeping radio is left out: something else may wake it before.
        """
        device, now_s, up = message.device, clock.now, direction == Direction.UP
        wake_s = now_s if up else now_s + latency_s
        if not up and self.radios.asleep(device, wake_s):
            return None
        wire_bytes = self.framing.wire_bytes(size_bytes)
        start_s = self.radios.wake(device, wake_s)
        end_s = cast(Medium, self.medium).end_s(direction, device, start_s, wire_bytes)
        self.radios.busy(device, end_s)
        arrived_s = end_s + latency_s if up else end_s
        self.log.add(message, direction, (now_s, wake_s, start_s, end_s, arrived_s), wire_bytes)
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
            wake_s = clock.now
            start_s = self.radios.wake(device, wake_s)
            end_s = start_s
            if isinstance(self.medium, SharedMedium):
                if start_s > wake_s:
                    yield clock.at(start_s)
                crossed = clock.event()
                self.medium.begin(clock, direction, device, wire_bytes, crossed)
                yield crossed
                end_s = clock.now
            else:
                end_s = self.medium.end_s(direction, device, start_s, wire_bytes)
            self.radios.busy(device, end_s)
            lost = self.losses.lost_packets(direction, message, transmission, packets)
            lost_bytes = min(lost * self.framing.packet_bytes, wire_bytes)
            arrived_s = end_s + latency_s if up else end_s
            times_s = (
                sent_s,
                wake_s,
                start_s,
                end_s,
                math.inf if lost_bytes == wire_bytes else arrived_s,
            )
            self.log.add(message, direction, times_s, wire_bytes, lost_bytes)
            if not lost:
                clock.succeed_at(arrived_s, arrival, message)
                return
            yield clock.at(end_s + self.loss.timeout_s(transmission))
            packets, wire_bytes, sent_s = lost, lost_bytes, clock.now
