"""What the cloud leaves behind: what each replica did, and how many there were when."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from sim.cloud.batching.replica import Work
from sim.cloud.load import CloudLoad


class ReplicaState(IntEnum):
    """What a replica is at one time. It is paid for in all states but `OFF`."""

    OFF = 0
    """Switched off."""
    STARTING = 1
    """Switched on, and not yet serving."""
    SERVING = 2
    """Takes attempts."""
    STOPPING = 3
    """Takes nothing new and is off when its work is done."""
    DOWN = 4
    """Crashed, and not yet repaired."""


class End(IntEnum):
    """How an attempt ended in the cloud; every attempt that arrives has exactly one end."""

    SERVED = 0
    """Answered with a list."""
    REJECTED = 1
    """Answered with a rejection, because its queue was full."""
    FAILED = 2
    """Answered with a failure: an outage that refuses, a crash, or no replica to go to."""
    DROPPED = 3
    """Taken out of its queue without an answer, because its device had given up."""
    VANISHED = 4
    """Lost without an answer, in an outage that is silent."""


@dataclass(frozen=True, slots=True)
class Change:
    """How the cloud stands from a time on, until the next change.

    Attributes:
        time_s: since when.
        on: replicas that are switched on, and paid for.
        serving: replicas that take attempts.
        outage: whether the whole cloud takes nothing all the same.
    """

    time_s: float
    on: int
    serving: int
    outage: bool


@dataclass(frozen=True)
class CloudRecords:
    """What became of the cloud up to the end of the simulation.

    Attributes:
        on_s, starting_s, failed_s, busy_s: float64, shape [replicas]; how long each replica was
            switched on (and paid for), and of this starting up, down after a crash, and working.
        changes: in the order of time, one for each, the first at 0.
        arrived: attempts that arrived.
        ends: how many of them ended in each way; those that are in none of them still waited or
            were worked on at the end.
        prompt_tokens: tokens of the prompts that were served; 0 where service times know none.
        cached_tokens: how many of them a prefix cache held.
        horizon_s: end of the simulation.
        load: when attempts came and went and replicas worked, each of them.
    """

    on_s: NDArray[np.float64]
    starting_s: NDArray[np.float64]
    failed_s: NDArray[np.float64]
    busy_s: NDArray[np.float64]
    changes: tuple[Change, ...]
    arrived: int
    ends: dict[End, int]
    prompt_tokens: int
    cached_tokens: int
    horizon_s: float
    load: CloudLoad = field(default_factory=CloudLoad)

    @property
    def unfinished(self) -> int:
        """Attempts that waited or were worked on at the end of the simulation."""
        return self.arrived - sum(self.ends.values())

    @property
    def accelerator_hours(self) -> float:
        """Hours for which replicas were switched on, one accelerator each."""
        return float(self.on_s.sum()) / 3600.0

    @property
    def replicas_max(self) -> int:
        """Most replicas that were switched on together."""
        return max(change.on for change in self.changes)

    def energy_j(self, busy_w: float, idle_w: float) -> float:
        """Return what the replicas used: `busy_w` each while working, `idle_w` while only on."""
        busy_s, on_s = float(self.busy_s.sum()), float(self.on_s.sum())
        return busy_w * busy_s + idle_w * (on_s - busy_s)


class CloudLog:
    """What the cloud does, written down as it happens.

    Args:
        replicas: how many replicas there can be; each is off until its first change.
    """

    def __init__(self, replicas: int) -> None:
        self._replicas = replicas
        self._arrived_s = array("d")
        self._ended_s = {end: array("d") for end in End}
        self._states: list[tuple[float, int, ReplicaState]] = []
        self._outages: list[tuple[float, bool]] = []

    def arrive(self, time_s: float) -> None:
        """Write down that an attempt arrives."""
        self._arrived_s.append(time_s)

    def end(self, time_s: float, end: End) -> None:
        """Write down how an attempt ends."""
        self._ended_s[end].append(time_s)

    def change(self, time_s: float, replica: int, state: ReplicaState) -> None:
        """Write down that a replica is in another state from now on."""
        self._states.append((time_s, replica, state))

    def outage(self, time_s: float, begins: bool) -> None:
        """Write down that an outage of the whole cloud begins or is over."""
        self._outages.append((time_s, begins))

    def close(self, horizon_s: float, works: Sequence[Sequence[Work]]) -> CloudRecords:
        """Return the records, leaving out what lies after `horizon_s`.

        Args:
            horizon_s: end of the simulation.
            works: what each replica was busy with.
        """
        in_state_s = self._seconds_in_states(horizon_s)
        begun = [[work for work in own if work.start_s <= horizon_s] for own in works]
        load = CloudLoad.up_to(
            horizon_s,
            self._arrived_s,
            {end.name.lower(): times_s for end, times_s in self._ended_s.items()},
            [work for own in begun for work in own],
        )
        return CloudRecords(
            on_s=horizon_s - in_state_s[:, ReplicaState.OFF],
            starting_s=in_state_s[:, ReplicaState.STARTING],
            failed_s=in_state_s[:, ReplicaState.DOWN],
            busy_s=np.array(
                [sum(min(work.end_s, horizon_s) - work.start_s for work in own) for own in begun]
            ),
            changes=self._changes(horizon_s),
            arrived=len(load.arrived_s),
            ends={end: len(load.ended_s[end.name.lower()]) for end in End},
            prompt_tokens=sum(work.prompt_tokens for own in begun for work in own),
            cached_tokens=sum(work.cached_tokens for own in begun for work in own),
            horizon_s=horizon_s,
            load=load,
        )

    def _seconds_in_states(self, horizon_s: float) -> NDArray[np.float64]:
        """Return how long each replica was in each state: shape [replicas, states]."""
        seconds = np.zeros((self._replicas, len(ReplicaState)))
        state, since_s = [ReplicaState.OFF] * self._replicas, [0.0] * self._replicas
        for time_s, replica, entered in self._states:
            until_s = min(time_s, horizon_s)
            seconds[replica, state[replica]] += until_s - since_s[replica]
            state[replica], since_s[replica] = entered, until_s
        for replica in range(self._replicas):
            seconds[replica, state[replica]] += horizon_s - since_s[replica]
        return seconds

    def _changes(self, horizon_s: float) -> tuple[Change, ...]:
        state = [ReplicaState.OFF] * self._replicas
        changes = {0.0: Change(0.0, 0, 0, False)}
        entries = [*((time_s, -1, begins) for time_s, begins in self._outages), *self._states]
        for time_s, replica, entered in sorted(entries, key=itemgetter(0)):
            if time_s > horizon_s:
                break
            now = replace(next(reversed(changes.values())), time_s=time_s)
            if replica < 0:
                now = replace(now, outage=bool(entered))
            else:
                left, state[replica] = state[replica], ReplicaState(entered)
                on = (entered != ReplicaState.OFF) - (left != ReplicaState.OFF)
                serving = (entered == ReplicaState.SERVING) - (left == ReplicaState.SERVING)
                now = replace(now, on=now.on + on, serving=now.serving + serving)
            changes[time_s] = now
        return tuple(changes.values())
