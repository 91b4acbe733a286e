"""The plain reference program's own cloud: one queue, static batches, replicas that never fail."""

from collections.abc import Callable, Generator
from functools import cache

import numpy as np
from simpy import Event

from sim.client.request import Answer, Attempt
from sim.clock import SETTLEMENT, Clock
from sim.cloud.batching.static import StaticBatching
from sim.cloud.records import Change, CloudRecords, End
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.faults.settings import FaultSettings

CLOUD_FAULTS = ("outages", "crashes", "random_crashes", "slow_replicas")


UNDERSTOOD = {
    "replicas",
    "devices_per_replica",
    "queue_limit",
    "batching",
    "service_time",
    "power",
    "price_usd_per_accelerator_hour",
}
"""Settings that `PlainCloud` follows, or that change nothing in time; others have to be default."""


def is_plain(settings: CloudSettings, faults: FaultSettings) -> bool:
    """Tell whether a cloud is as simple as `PlainCloud`."""
    others = settings.model_dump(exclude=UNDERSTOOD)
    breaks = faults.model_dump(include=set(CLOUD_FAULTS))
    return (
        isinstance(settings.batching, StaticBatching)
        and isinstance(settings.service_time, FixedServiceTime)
        and others == CloudSettings().model_dump(exclude=UNDERSTOOD)
        and breaks == FaultSettings().model_dump(include=set(CLOUD_FAULTS))
    )


class PlainCloud:
    """What `sim.cloud.cloud.Cloud` is where nothing is shared out, scaled or broken.

    Args:
        clock: simulated time.
        settings: those of a cloud that `is_plain`.
        replicas: number of replicas.
        answer: called with each attempt when its `answer` is there.
    """

    def __init__(
        self,
        clock: Clock,
        settings: CloudSettings,
        replicas: int,
        answer: Callable[[Attempt], None],
    ) -> None:
        assert isinstance(settings.batching, StaticBatching)
        self.clock = clock
        self.settings = settings
        self.batching = settings.batching
        self.batch_s = cache(settings.service_time.batch_s)
        self.answer = answer
        self.arriving: list[Attempt] = []
        self.waiting: list[Attempt] = []
        self.replicas = replicas
        self.idle = list(range(replicas))
        self.arrived_s: list[float] = []
        self.ended: list[tuple[float, End]] = []
        self.worked: list[tuple[float, float, int]] = []

    def submit(self, attempt: Attempt) -> None:
        """Take an attempt in."""
        attempt.arrived_cloud_s = self.clock.now
        self.arrived_s.append(self.clock.now)
        self.arriving.append(attempt)
        self.clock.process(self.come_back(self.clock.now))

    def come_back(self, due_s: float) -> Generator[Event, None, None]:
        """Look at the queue again, at the very end of an instant."""
        yield self.clock.at(due_s, SETTLEMENT)
        self.settle()

    def settle(self) -> None:
        """Queue all that has arrived, in the order of devices, and let idle replicas work."""
        together, self.arriving = self.arriving, []
        for attempt in sorted(together, key=lambda each: (each.device, each.number, each.step)):
            if len(self.waiting) >= self.settings.queue_limit:
                self.fill_replicas()
            if len(self.waiting) >= self.settings.queue_limit:
                self.reply(attempt, Answer.REJECTION, End.REJECTED)
            else:
                attempt.taken_in = True
                self.waiting.append(attempt)
        self.fill_replicas()

    def fill_replicas(self) -> None:
        """Give every idle replica a batch, if one is due."""
        while self.idle and self.waiting:
            due_s = self.waiting[0].arrived_cloud_s + self.batching.wait_s
            full = len(self.waiting) in (self.batching.size, self.settings.queue_limit)
            if not full and len(self.waiting) < self.batching.size and self.clock.now < due_s:
                self.clock.process(self.come_back(due_s))
                return
            batch = self.waiting[: self.batching.size]
            self.waiting = self.waiting[self.batching.size :]
            replica = min(self.idle)
            self.idle.remove(replica)
            self.clock.process(self.serve(replica, batch))

    def serve(self, replica: int, batch: list[Attempt]) -> Generator[Event, None, None]:
        """Serve one batch."""
        start_s = self.clock.now
        for attempt in batch:
            attempt.service_start_s, attempt.batch_size = start_s, len(batch)
        yield self.clock.at(start_s + self.batch_s(len(batch)))
        self.idle.append(replica)
        self.worked.append((start_s, self.clock.now, replica))
        self.clock.process(self.come_back(self.clock.now))
        for attempt in batch:
            attempt.service_end_s = self.clock.now
            self.reply(attempt, Answer.LIST, End.SERVED)

    def reply(self, attempt: Attempt, answer: Answer, end: End) -> None:
        """Send an answer out."""
        attempt.answer = answer
        self.ended.append((self.clock.now, end))
        self.answer(attempt)

    def records(self, horizon_s: float) -> CloudRecords:
        """Return what became of it up to the end of the simulation."""
        busy_s = np.zeros(self.replicas)
        for start_s, end_s, replica in self.worked:
            if start_s <= horizon_s:
                busy_s[replica] += min(end_s, horizon_s) - start_s
        never_s = np.zeros(self.replicas)
        return CloudRecords(
            on_s=never_s + horizon_s,
            starting_s=never_s,
            failed_s=never_s,
            busy_s=busy_s,
            changes=(Change(0.0, self.replicas, self.replicas, outage=False),),
            arrived=sum(time_s <= horizon_s for time_s in self.arrived_s),
            ends={
                end: sum(time_s <= horizon_s for time_s, each in self.ended if each == end)
                for end in End
            },
            prompt_tokens=0,
            cached_tokens=0,
            horizon_s=horizon_s,
        )
