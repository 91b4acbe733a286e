"""The replicas over time: which of them serve, start up, finish their work, are down or off."""

from bisect import insort
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from itertools import count
from operator import add, attrgetter

from simpy import Event

from sim.client.request import NEVER_S, Attempt
from sim.clock import FAULT, SCALING, Clock
from sim.cloud.autoscaling import ScalingView
from sim.cloud.batching.replica import Replica
from sim.cloud.pace import Pace
from sim.cloud.records import CloudLog, ReplicaState
from sim.cloud.settings import CloudSettings
from sim.cloud.station import Station
from sim.faults.crashes import Crash
from sim.faults.settings import FaultSettings

_number = attrgetter("number")


class Member:
    """One replica of the fleet, as routing and autoscaling see it.

    Attributes:
        number: which one.
        station: whose queue it draws from.
        replica: what works.
        state: what it is at present.
        changes: how often its state has changed; a repair that finds another number is too late.
        repaired_s: when it serves again, while it is down; infinite where it never does.
    """

    def __init__(self, station: Station, replica: Replica) -> None:
        self.number = replica.number
        self.station = station
        self.replica = replica
        self.state = ReplicaState.OFF
        self.changes = 0
        self.repaired_s = NEVER_S
        self._counted_works = 0
        self._counted_s = 0.0

    @property
    def waiting(self) -> int:
        """Attempts in its queue."""
        return len(self.station.queue)

    @property
    def in_service(self) -> int:
        """Attempts that it is working on."""
        return self.replica.in_service

    @property
    def able(self) -> bool:
        """Whether it works if there is work."""
        return self.state in (ReplicaState.SERVING, ReplicaState.STOPPING)

    @property
    def gone(self) -> bool:
        """Whether it is off, or down for ever."""
        down_for_ever = self.state == ReplicaState.DOWN and self.repaired_s == NEVER_S
        return self.state == ReplicaState.OFF or down_for_ever

    def busy_s(self, now_s: float) -> float:
        """Return how long it has worked so far."""
        for work in self.replica.works[self._counted_works :]:
            self._counted_s += work.end_s - work.start_s
        self._counted_works = len(self.replica.works)
        return self._counted_s + max(now_s - self.replica.busy_since_s, 0.0)


class Fleet:
    """Starts, stops, crashes and repairs replicas.

    Args:
        clock: simulated time.
        settings: of the cloud.
        replicas: number of replicas that the settings ask for, before any autoscaling.
        stations: one that all replicas share, or one for each that there can be.
        faults: crashes and slow replicas.
        seed: of the crashes' draws.
        until_s: no chance crash and no decision of the autoscaling happens after it.
        log: where changes are written down.
        fail: called with each attempt that a crash has ended.

    Attributes:
        serving: the replicas that take attempts, in the order of their numbers.
        members: all replicas that there can be.
    """

    def __init__(
        self,
        clock: Clock,
        settings: CloudSettings,
        replicas: int,
        stations: Sequence[Station],
        faults: FaultSettings,
        seed: int,
        until_s: float,
        log: CloudLog,
        fail: Callable[[Attempt], None],
    ) -> None:
        self._clock = clock
        self._autoscaling = settings.autoscaling
        self._own_queues = not settings.routing.one_queue
        self._stations = stations
        self._until_s = until_s
        self._log = log
        self._fail = fail
        self.serving: list[Member] = []
        self.members: list[Member] = []
        for number in range(self._autoscaling.most(replicas)):
            station = stations[number if self._own_queues else 0]
            slow = faults.slow_windows(number)
            end_s = Pace(slow).end_s if slow else add
            self.members.append(Member(station, station.add(number, end_s, self._stopped)))
        self._able, self._able_s, self._able_since_s = 0, 0.0, 0.0
        self._seen_busy_s = self._seen_able_s = 0.0
        self._changed_s = -NEVER_S
        for member in self.members[: self._autoscaling.first(replicas)]:
            self._serve(member)
        for crash in faults.crashes:
            self._at(crash.at_s, partial(self._crash, crash))
        if faults.random_crashes.mean_time_between_s < NEVER_S:
            clock.process(
                self._crash_by_chance(faults.random_crashes.crashes(seed, len(self.members)))
            )
        if self._autoscaling.period_s < NEVER_S:
            clock.process(self._scale())

    def abandon(self) -> list[Attempt]:
        """Take all attempts out of queues and hands, and return them; the replicas go on."""
        able = [member for member in self.members if member.able]
        attempts = [attempt for member in able for attempt in member.replica.crash()]
        for station in self._stations:
            attempts += station.queue.clear()
        for member in able:
            if member.state == ReplicaState.SERVING:
                member.replica.start()
            else:
                self._enter(member, ReplicaState.OFF)
        return attempts

    def _at(self, time_s: float, act: Callable[[], None]) -> None:
        if time_s < NEVER_S:
            event = self._clock.at(time_s, FAULT)
            event.callbacks = [lambda _: act()]

    def _after(self, delay_s: float, member: Member, act: Callable[[Member], None]) -> None:
        """Act on a replica after a delay, unless it has changed until then."""
        changes = member.changes

        def act_if_unchanged() -> None:
            if member.changes == changes:
                act(member)

        self._at(self._clock.now + delay_s, act_if_unchanged)

    def _enter(self, member: Member, state: ReplicaState) -> None:
        self._count_able_time()
        if member.state == ReplicaState.SERVING:
            self.serving.remove(member)
        self._able -= member.able
        member.state = state
        self._able += member.able
        member.changes += 1
        if state == ReplicaState.SERVING:
            insort(self.serving, member, key=_number)
        self._log.change(self._clock.now, member.number, state)

    def _serve(self, member: Member) -> None:
        self._enter(member, ReplicaState.SERVING)
        member.replica.start()

    def _stop(self, member: Member) -> None:
        if member.state == ReplicaState.STARTING:
            self._enter(member, ReplicaState.OFF)
        else:
            self._enter(member, ReplicaState.STOPPING)
            member.replica.stop(drain_queue=self._own_queues)

    def _stopped(self, replica: Replica) -> None:
        self._enter(self.members[replica.number], ReplicaState.OFF)

    def _crash_by_chance(self, crashes: Iterator[Crash]) -> Generator[Event, None, None]:
        for crash in crashes:
            if crash.at_s > self._until_s:
                return
            yield self._clock.at(crash.at_s, FAULT)
            self._crash(crash)

    def _crash(self, crash: Crash) -> None:
        member = self.members[crash.replica]
        if not member.able:
            return
        stopping = member.state == ReplicaState.STOPPING
        attempts = member.replica.crash()
        self._enter(member, ReplicaState.DOWN)
        member.repaired_s = self._clock.now + crash.down_s
        for attempt in attempts:
            if crash.work == "retried":
                attempt.service_start_s = NEVER_S
                attempt.batch_size = 0
                member.station.put_back(attempt)
            else:
                self._fail(attempt)
        if not stopping:
            self._after(crash.down_s, member, self._serve)
        elif self._own_queues and member.waiting:
            self._after(crash.down_s, member, self._go_on_stopping)
        else:
            self._enter(member, ReplicaState.OFF)

    def _go_on_stopping(self, member: Member) -> None:
        member.replica.start()
        self._stop(member)

    def _scale(self) -> Generator[Event, None, None]:
        for turn in count(1):
            time_s = turn * self._autoscaling.period_s
            if time_s > self._until_s:
                return
            yield self._clock.at(time_s, SCALING)
            change = self._autoscaling.change(self._view())
            starting = self._places()[: max(change, 0)]
            stopping = self._available()[::-1][: max(-change, 0)]
            if starting or stopping:
                self._changed_s = time_s
            for member in starting:
                member.replica.crash()  # another machine, which remembers nothing
                self._enter(member, ReplicaState.STARTING)
                self._after(self._autoscaling.start_up_time_s, member, self._serve)
            for member in stopping:
                self._stop(member)

    def _places(self) -> list[Member]:
        """Return where a machine can be started: first what is off, last what will be repaired.

        A repair that comes before a machine started now would serve makes that one needless.
        """
        ready_s = self._clock.now + self._autoscaling.start_up_time_s
        down = [each for each in self.members if each.state == ReplicaState.DOWN]
        return [
            *(each for each in self.members if each.state == ReplicaState.OFF),
            *(each for each in down if each.repaired_s == NEVER_S),
            *(each for each in down if ready_s < each.repaired_s < NEVER_S),
        ]

    def _available(self) -> list[Member]:
        available = (ReplicaState.SERVING, ReplicaState.STARTING)
        return [member for member in self.members if member.state in available]

    def _view(self) -> ScalingView:
        now_s = self._clock.now
        self._count_able_time()
        busy_s = sum(member.busy_s(now_s) for member in self.members)
        view = ScalingView(
            available=len(self._available()),
            switched_on=sum(not member.gone for member in self.members),
            waiting=sum(len(station.queue) for station in self._stations),
            busy_s=busy_s - self._seen_busy_s,
            serving_s=self._able_s - self._seen_able_s,
            unchanged_s=now_s - self._changed_s,
            down=sum(each.state == ReplicaState.DOWN and not each.gone for each in self.members),
        )
        self._seen_busy_s, self._seen_able_s = busy_s, self._able_s
        return view

    def _count_able_time(self) -> None:
        self._able_s += self._able * (self._clock.now - self._able_since_s)
        self._able_since_s = self._clock.now
