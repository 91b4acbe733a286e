"""The front of the cloud: it takes attempts in, routes them to replicas, and sends answers out."""

from collections.abc import Callable, Generator, Sequence
from functools import partial
from operator import attrgetter

from simpy import Event

from sim.client.request import NEVER_S, Answer, Attempt
from sim.clock import FAULT, SETTLEMENT, Clock
from sim.cloud.fleet import Fleet
from sim.cloud.records import CloudLog, CloudRecords, End
from sim.cloud.settings import CloudSettings
from sim.cloud.station import Station
from sim.faults.outages import Outage
from sim.faults.settings import FaultSettings

_in_order = attrgetter("device", "number", "step")
_ENDS = {Answer.LIST: End.SERVED, Answer.REJECTION: End.REJECTED, Answer.FAILURE: End.FAILED}


class Cloud:
    """Takes attempts in and hands them to stations, of which each has a queue and replicas.

    All that arrives at one instant is queued together, in the order of (device, attempt), before
    any replica takes from a queue: the front holds a settlement as the last thing of an instant,
    for the stations to which something happened. What breaks or is repaired at an instant does so
    before its settlement, and after the work that ends then.

    Args:
        clock: simulated time.
        settings: queues, batching, service times, routing and autoscaling.
        replicas: number of replicas that the settings ask for, before any autoscaling.
        answer: called with each attempt when its `answer` is there.
        seed: of the simulation's draws.
        faults: what breaks.
        until_s: no chance crash and no decision of the autoscaling happens after it, so that the
            simulation can end.
    """

    def __init__(
        self,
        clock: Clock,
        settings: CloudSettings,
        replicas: int,
        answer: Callable[[Attempt], None],
        seed: int = 0,
        faults: FaultSettings | None = None,
        until_s: float = 0.0,
    ) -> None:
        faults = faults or FaultSettings()
        self._clock = clock
        self._answer = answer
        self._routing = settings.routing
        self._arriving: list[Attempt] = []
        self._settlements: dict[float, set[int]] = {}
        most = settings.autoscaling.most(replicas)
        self._log = CloudLog(most)
        self._stations = [
            Station(
                clock, settings, self._reply, partial(self._settle_at, number), seed, self._drop
            )
            for number in range(1 if settings.routing.one_queue else most)
        ]
        self._routed = -1
        self._fleet = Fleet(
            clock,
            settings,
            replicas,
            self._stations,
            faults,
            seed,
            until_s,
            self._log,
            partial(self._lose, silent=False),
        )
        self._outage: Outage | None = None
        if faults.outages:
            clock.process(self._suffer(faults.outages))

    def submit(self, attempt: Attempt) -> None:
        """Accept an attempt that arrives now; within this instant it is queued or turned away."""
        attempt.arrived_cloud_s = self._clock.now
        self._log.arrive(self._clock.now)
        self._arriving.append(attempt)
        self._settlement_at(self._clock.now)

    @property
    def waiting(self) -> int:
        """How many attempts wait in queues at present."""
        return sum(len(station.queue) for station in self._stations)

    @property
    def in_service(self) -> int:
        """How many attempts replicas are working on at present."""
        return sum(member.in_service for member in self._fleet.members)

    def records(self, horizon_s: float) -> CloudRecords:
        """Return what became of the cloud up to the end of the simulation."""
        return self._log.close(horizon_s, [each.replica.works for each in self._fleet.members])

    def _settle_at(self, station: int, time_s: float) -> None:
        self._settlement_at(time_s).add(station)

    def _settlement_at(self, time_s: float) -> set[int]:
        stations = self._settlements.get(time_s)
        if stations is None:
            stations = self._settlements[time_s] = set()
            settlement = self._clock.at(time_s, SETTLEMENT)
            settlement.callbacks = [self._settle]
        return stations

    def _settle(self, _: Event) -> None:
        """Queue what has arrived and let replicas take what is due."""
        stations = self._settlements.pop(self._clock.now)
        arriving, self._arriving = self._arriving, []
        if len(arriving) > 1:
            arriving.sort(key=_in_order)
        for attempt in arriving:
            if self._outage is not None:
                self._lose(attempt, silent=self._outage.behaviour == "silent")
            elif not self._fleet.serving:
                self._lose(attempt, silent=False)
            else:
                station = self._route()
                stations.add(station)
                attempt.taken_in = self._stations[station].receive(attempt)
                if not attempt.taken_in:
                    attempt.answer = Answer.REJECTION
                    self._reply(attempt)
        for station in sorted(stations) if len(stations) > 1 else stations:
            self._stations[station].serve()

    def _route(self) -> int:
        """Return the station of the next attempt."""
        if self._routing.one_queue:
            return 0
        self._routed = self._routing.choose(self._fleet.serving, self._routed)
        return self._routed

    def _suffer(self, outages: Sequence[Outage]) -> Generator[Event, None, None]:
        """Live through the outages."""
        for outage in sorted(outages, key=attrgetter("start_s")):
            yield self._clock.at(outage.start_s, FAULT)
            self._outage = outage
            self._log.outage(self._clock.now, begins=True)
            if outage.work == "lost":
                for attempt in self._fleet.abandon():
                    self._lose(attempt, silent=outage.behaviour == "silent")
            if outage.end_s == NEVER_S:
                return
            yield self._clock.at(outage.end_s, FAULT)
            self._outage = None
            self._log.outage(self._clock.now, begins=False)

    def _lose(self, attempt: Attempt, silent: bool) -> None:
        """End an attempt that is not served, with a failure or without a word."""
        if attempt.service_start_s < NEVER_S:
            attempt.service_end_s = self._clock.now
        if silent:
            self._log.end(self._clock.now, End.VANISHED)
        else:
            attempt.answer = Answer.FAILURE
            self._reply(attempt)

    def _drop(self, _: Attempt) -> None:
        self._log.end(self._clock.now, End.DROPPED)

    def _reply(self, attempt: Attempt) -> None:
        self._log.end(self._clock.now, _ENDS[attempt.answer])
        self._answer(attempt)
