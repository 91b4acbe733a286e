"""The front of the cloud: it takes attempts in, hands them to stations, and sends answers out."""

from collections.abc import Callable
from functools import partial

from simpy import Event

from sim.clock import SETTLEMENT, Clock
from sim.cloud.settings import CloudSettings
from sim.cloud.station import Station
from sim.request import Answer, Attempt


class Cloud:
    """Takes attempts in and hands them to stations, of which each has a queue and replicas.

    All that arrives at one instant is queued together, in the order of (device, attempt), before
    any replica takes from a queue: the front holds a settlement as the last thing of an instant,
    for the stations to which something happened.

    What the front can tell a replica (`sim.cloud.batching.replica`):
    - `station.add(number, end_s, stopped)` makes one, which is off; `end_s(start_s, work_s)` tells
      when work is done on this replica, so slow ones are slow by their `end_s`.
    - `start()`: take work from now on. Also after a crash or a stop.
    - `crash()`: switch off at once; the attempts in work come back unanswered, and the front puts
      them into a queue again (`station.put_back`) or answers them with a failure.
    - `stop(drain_queue)`: switch off after the present work; `stopped(replica)` is called then.
    - `on`, `in_service`, `busy_since_s` and `works` tell what it does and did.
    `station.queue` has a length, and `clear()` hands back everything that waits.

    Args:
        clock: simulated time.
        settings: queue, batching and service times.
        replicas: number of replicas.
        answer: called with each attempt when its `answer` is there.
        seed: of the simulation's draws.
    """

    def __init__(
        self,
        clock: Clock,
        settings: CloudSettings,
        replicas: int,
        answer: Callable[[Attempt], None],
        seed: int = 0,
    ) -> None:
        self._clock = clock
        self._answer = answer
        self._arriving: list[Attempt] = []
        self._settlements: dict[float, set[int]] = {}
        self._stations = [Station(clock, settings, answer, partial(self._settle_at, 0), seed)]
        for number in range(replicas):
            self._stations[0].add(number).start()

    def submit(self, attempt: Attempt) -> None:
        """Accept an attempt that arrives now; within this instant it is queued or rejected."""
        attempt.arrived_cloud_s = self._clock.now
        self._arriving.append(attempt)
        self._settle_at(0, self._clock.now)

    def _settle_at(self, station: int, time_s: float) -> None:
        if time_s not in self._settlements:
            self._settlements[time_s] = set()
            settlement = self._clock.at(time_s, SETTLEMENT)
            settlement.callbacks = [self._settle]
        self._settlements[time_s].add(station)

    def _settle(self, _: Event) -> None:
        """Queue what has arrived and let replicas take what is due."""
        stations = self._settlements.pop(self._clock.now)
        arriving, self._arriving = self._arriving, []
        for attempt in sorted(arriving, key=lambda attempt: (attempt.device, attempt.number)):
            if not self._stations[0].receive(attempt):
                attempt.answer = Answer.REJECTION
                self._answer(attempt)
        for station in sorted(stations):
            self._stations[station].serve()
