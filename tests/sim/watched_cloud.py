"""What goes on in a cloud after every single event, and the law that it must keep to."""

from dataclasses import dataclass

import numpy as np
import pytest

from sim.cloud.cloud import Cloud
from sim.cloud.records import CloudLog, ReplicaState
from sim.engine import simulate


class KeptLog(CloudLog):
    """A log whose entries can be read.

    Attributes:
        arrivals_s: of attempts.
        ends_s, ends: when attempts ended, and how.
        states: (time, state) of each replica, by its number.
        works_of: of each replica.
    """

    def __init__(self, replicas):
        super().__init__(replicas)
        self.arrivals_s, self.ends_s, self.ends = [], [], []
        self.states = [[(0.0, ReplicaState.OFF)] for _ in range(replicas)]
        self.works_of = []

    def arrive(self, time_s):
        super().arrive(time_s)
        self.arrivals_s.append(time_s)

    def end(self, time_s, end):
        super().end(time_s, end)
        self.ends_s.append(time_s)
        self.ends.append(end)

    def change(self, time_s, replica, state):
        super().change(time_s, replica, state)
        self.states[replica].append((time_s, state))

    def close(self, horizon_s, works):
        self.works_of = works
        return super().close(horizon_s, works)


class WatchedCloud(Cloud):
    """A cloud that is looked at after each event.

    Attributes:
        stays: from when until when so many waited and so many were in service.
    """

    def __init__(self, clock, *args):
        super().__init__(clock, *args)
        self.stays = []
        step = clock.step

        def watched_step():
            since_s, waiting, in_service = clock.now, self.waiting, self.in_service
            step()
            if clock.now > since_s:
                self.stays.append((since_s, clock.now, waiting, in_service))

        clock.step = watched_step


@dataclass
class Run:
    """A simulation and what was seen of its cloud."""

    result: object
    cloud: WatchedCloud
    log: KeptLog

    @classmethod
    def of(cls, world):
        clouds, logs = [], []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sim.world.Cloud", lambda *args: kept(clouds, WatchedCloud(*args)))
            patch.setattr("sim.cloud.cloud.CloudLog", lambda *args: kept(logs, KeptLog(*args)))
            result = simulate(world)
        return cls(result, clouds[0], logs[0])

    @property
    def horizon_s(self):
        return self.result.cloud.horizon_s

    def means(self, horizon_s):
        """Return the time averages of the numbers waiting and in service."""
        stays = np.array(self.cloud.stays).reshape(-1, 4)
        lasted_s = np.minimum(stays[:, 1], horizon_s) - np.minimum(stays[:, 0], horizon_s)
        return lasted_s @ stays[:, 2:] / horizon_s

    def seconds_in_cloud(self, horizon_s):
        """Return how long all attempts together were there; those without an end are to this day.

        A sum of differences does not ask which end belongs to which arrival.
        """
        arrivals_s = np.minimum(self.log.arrivals_s, horizon_s)
        ends_s = np.minimum(self.log.ends_s, horizon_s)
        staying = len(arrivals_s) - len(ends_s)
        return ends_s.sum() + staying * horizon_s - arrivals_s.sum()

    def seconds_in_service(self, horizon_s):
        """Return the same of service; a request that is served again has been in service twice."""
        return sum(
            work.requests * (min(work.end_s, horizon_s) - min(work.start_s, horizon_s))
            for own in self.log.works_of
            for work in own
        )


def kept(things, thing):
    things.append(thing)
    return thing


def exactly(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def assert_littles_law(run, horizon_s):
    waiting, in_service = run.means(horizon_s)
    arrived = sum(arrival_s <= horizon_s for arrival_s in run.log.arrivals_s)
    if not arrived:
        assert waiting == in_service == 0
        return
    rate = arrived / horizon_s
    time_s = run.seconds_in_cloud(horizon_s) / arrived
    service_s = run.seconds_in_service(horizon_s) / arrived
    assert waiting + in_service == exactly(rate * time_s)
    assert in_service == exactly(rate * service_s)
    assert waiting == exactly(rate * (time_s - service_s))
