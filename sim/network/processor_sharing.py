"""Processor sharing: transfers that divide one capacity equally, whoever comes and goes."""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from simpy import Event

from sim.clock import Clock

_ACCURATE_BITS = 2.0**24
"""Beyond so much virtual time, finish tags are counted anew: a tag's last place stays below a
millionth of a bit."""


@dataclass(eq=False)
class SharedTransfer:
    """A transfer that shares.

    Attributes:
        device: whose it is, which settles the order of ends at one time.
        bits: how many were left when `factor` was last set.
        factor: bits that it carries for each bit of an equal share; at 0 it pauses, and shares not.
        crossed: succeeds, with its time, when it has ended.
        tag: virtual time of its end, as long as it does not pause.
        entry: which of its entries in the heap counts.
    """

    device: int
    bits: float
    factor: float
    crossed: Event
    tag: float = 0.0
    entry: int = -1

    @property
    def ended(self) -> bool:
        """Whether all has crossed."""
        return self.crossed.triggered


class ProcessorSharing:
    """Capacity that transfers share: each of n gets min(cap, capacity / n).

    Virtual time is what a share has carried since some start, in bits: it passes at the rate
    min(cap, capacity / n). A transfer ends when virtual time reaches its finish tag, the time of
    its beginning + its bits. So tags stay as they are while others come and go, the next to end is
    the least of a heap, and an arrival costs O(log n): the bookkeeping of fair queueing (Demers,
    Keshav and Shenker, SIGCOMM 1989). A transfer of factor f counts bits / f, in the manner of a
    base station that gives equal air time to phones whose radio conditions differ.

    What happens at one instant commutes: ends come first, and virtual time stands still. Ends at
    one time are in the order of (tag, device).

    Args:
        capacity_bps: of all together.
        cap_bps: of each.
    """

    def __init__(self, capacity_bps: float, cap_bps: float) -> None:
        self._capacity_bps = capacity_bps
        self._cap_bps = cap_bps
        self._heap: list[tuple[float, int, int, SharedTransfer]] = []
        self._entries = 0
        self._sharing = 0
        self._virtual_bits = 0.0
        self._at_s = 0.0
        self._watch: Event | None = None
        self._watch_s = 0.0

    def begin(
        self, clock: Clock, device: int, bits: float, factor: float, crossed: Event
    ) -> SharedTransfer:
        """Let a transfer begin now."""
        self._pass_time(clock)
        transfer = SharedTransfer(device, bits, factor, crossed)
        self._join(transfer)
        self._look_ahead(clock)
        return transfer

    def change(self, clock: Clock, transfer: SharedTransfer, factor: float) -> None:
        """Change a transfer's factor from now on, if it has not ended."""
        self._pass_time(clock)
        if not transfer.ended and factor != transfer.factor:
            if transfer.factor:
                transfer.bits = (transfer.tag - self._virtual_bits) * transfer.factor
                transfer.entry = -1
                self._sharing -= 1
            transfer.factor = factor
            self._join(transfer)
        self._look_ahead(clock)

    def _join(self, transfer: SharedTransfer) -> None:
        if transfer.factor:
            transfer.tag = self._virtual_bits + transfer.bits / transfer.factor
            transfer.entry = self._entries
            heappush(self._heap, (transfer.tag, transfer.device, transfer.entry, transfer))
            self._entries += 1
            self._sharing += 1

    def _due_s(self, tag: float) -> float:
        """Return when virtual time reaches a tag if nobody comes or goes."""
        share_bps = min(self._cap_bps, self._capacity_bps / self._sharing)
        return self._at_s + (tag - self._virtual_bits) / share_bps

    def _next(self) -> SharedTransfer | None:
        """Return the transfer that ends next."""
        while self._heap and self._heap[0][2] != self._heap[0][3].entry:
            heappop(self._heap)
        return self._heap[0][3] if self._heap else None

    def _end_due(self, clock: Clock) -> None:
        """Let transfers end whose time has come.

        Where none has, nothing is touched: virtual time moves with beginnings, changes and ends
        alone, and never depends on how often somebody looked.
        """
        while (transfer := self._next()) and self._due_s(transfer.tag) <= clock.now:
            heappop(self._heap)
            self._move(clock.now, transfer.tag)
            self._sharing -= 1
            clock.succeed_at(clock.now, transfer.crossed, clock.now)

    def _pass_time(self, clock: Clock) -> None:
        """Bring virtual time to now, before somebody comes or changes."""
        self._end_due(clock)
        if clock.now > self._at_s:
            passed_bits = 0.0
            if self._sharing:
                share_bps = min(self._cap_bps, self._capacity_bps / self._sharing)
                passed_bits = self._virtual_bits + (clock.now - self._at_s) * share_bps
            self._move(clock.now, passed_bits)

    def _move(self, time_s: float, virtual_bits: float) -> None:
        """Set the clocks: the virtual one starts at 0 anew when that is due or nobody shares."""
        self._virtual_bits, self._at_s = virtual_bits, time_s
        if virtual_bits > _ACCURATE_BITS:
            transfers = [entry[3] for entry in self._heap if entry[2] == entry[3].entry]
            for transfer in transfers:
                transfer.tag -= virtual_bits
            self._heap = [(each.tag, each.device, each.entry, each) for each in transfers]
            heapify(self._heap)
            self._virtual_bits = 0.0

    def _look_ahead(self, clock: Clock) -> None:
        """Have an event at the next end, or before it.

        Whoever comes puts the ends of others off, so the event may be early; then it looks again.
        """
        transfer = self._next()
        if transfer is None:
            return
        due_s = self._due_s(transfer.tag)
        if self._watch is None or due_s < self._watch_s:
            self._watch, self._watch_s = clock.at(due_s, value=clock), due_s
            assert self._watch.callbacks is not None
            self._watch.callbacks.append(self._wake)

    def _wake(self, watch: Event) -> None:
        if watch is self._watch:
            clock: Clock = watch.value  # type: ignore[assignment]
            self._watch = None
            self._end_due(clock)
            self._look_ahead(clock)
