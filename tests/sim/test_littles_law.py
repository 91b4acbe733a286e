"""Little's law in every run: the mean number in the cloud = arrivals a second x mean time in it.

From 0 to a horizon h it holds exactly, not only in the long run, if the times of those who are
still there at h count up to h: both sides are the same seconds, counted instant by instant on the
left and attempt by attempt on the right (Stidham, A last word on L = lambda W, Operations Research
22, 1974; Little, Little's law as viewed on its 50th anniversary, Operations Research 59, 2011). So
it holds for any order of service, routing, batching, fault and retry, and for the whole cloud, its
queues and its replicas alone.

The left sides come from what is in queues and in the hands of replicas after every single event,
the right ones from the times at which the cloud says that attempts arrived, ended and were worked
on, and from the records of requests. No code makes both.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_clouds import FAULTS, clouds
from random_world import make_world

from sim.client.request import NEVER_S, Answer
from sim.client.settings import ServingSettings
from sim.cloud.cloud import Cloud
from sim.cloud.records import CloudLog, End
from sim.cloud.settings import CloudSettings
from sim.engine import simulate
from sim.faults.settings import FaultSettings
from sim.network.preset import PresetNetwork
from sim.policies.consistency import Consistency

SERVINGS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["stale", "wait"]),
        "timeout_s": st.sampled_from([1.0, 8.0, 30.0]),
        "retry": st.fixed_dictionaries(
            {
                "attempts": st.integers(1, 3),
                "attempt_timeout_s": st.sampled_from([None, 0.5, 3.0]),
                "backoff_s": st.sampled_from([0.0, 0.5]),
            }
        ),
    }
)
NETWORKS = st.sampled_from(
    [{"preset": "ideal"}, {"preset": "3g"}, {"preset": "3g", "loss": {"probability": 0.2}}]
)


class KeptLog(CloudLog):
    """A log whose entries can be read."""

    def __init__(self, replicas):
        super().__init__(replicas)
        self.arrivals_s, self.ends_s, self.ends, self.works = [], [], [], []

    def arrive(self, time_s):
        super().arrive(time_s)
        self.arrivals_s.append(time_s)

    def end(self, time_s, end):
        super().end(time_s, end)
        self.ends_s.append(time_s)
        self.ends.append(end)

    def close(self, horizon_s, works):
        self.works = [work for own in works for work in own]
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
            for work in self.log.works
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


def world_of(cloud, faults, serving, network, seed):
    return make_world(
        devices=25,
        users=10,
        steps=6,
        seed=seed,
        policy=Consistency(threshold=0.9),
        start_spread_s=10.0,
        think_s=np.random.default_rng(seed).exponential(8.0, (25, 5)),
        serving=ServingSettings.model_validate(serving),
        network=PresetNetwork.model_validate(network),
        cloud=CloudSettings.model_validate(cloud),
        faults=FaultSettings.model_validate(faults),
    )


@given(
    cloud=clouds(),
    faults=FAULTS,
    serving=SERVINGS,
    network=NETWORKS,
    seed=st.integers(0, 1000),
    share=st.sampled_from([1.0, 0.5, 0.1]),
)
@settings(max_examples=80, deadline=None)
def test_it_holds_whatever_happens(cloud, faults, serving, network, seed, share):
    run = Run.of(world_of(cloud, faults, serving, network, seed))
    assert_littles_law(run, share * run.horizon_s)


@given(cloud=clouds(), serving=SERVINGS, network=NETWORKS, seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_it_holds_for_the_waits_that_are_written_down(cloud, serving, network, seed):
    """The queues alone, from the records of requests: one attempt each, and nobody turned away."""
    calm = {**cloud, "queue_limit": 1000, "drop_expired": False}
    serving = {**serving, "retry": {"attempts": 1}}
    run = Run.of(world_of(calm, {}, serving, network, seed))
    requests, horizon_s = run.result.requests, run.horizon_s
    arrived_s = requests.arrived_cloud_s
    there = arrived_s < NEVER_S
    assert not (requests.answer == Answer.REJECTION).any()
    waits_s = np.minimum(requests.service_start_s, horizon_s)[there] - arrived_s[there]
    waiting, _ = run.means(horizon_s)
    assert waiting == exactly(there.sum() / horizon_s * waits_s.mean() if there.any() else 0.0)


def test_it_is_not_held_in_empty_clouds():
    """The law says something here: attempts wait, end in all ways, and are there at the end."""
    cloud = {
        "replicas": 2,
        "queue_limit": 4,
        "drop_expired": True,
        "routing": "join_shortest_queue",
        "batching": {"size": 2, "wait_s": 0.25},
        "service_time": {"kind": "random", "mean_s": 4.0},
    }
    faults = {
        "outages": (
            {"start_s": 8.0, "duration_s": 3.0, "behaviour": "silent"},
            {"start_s": 30.0, "duration_s": 2.0, "behaviour": "refuse"},
        ),
        "random_crashes": {"mean_time_between_s": 10.0, "mean_down_s": 2.0},
    }
    serving = {"timeout_s": 8.0, "retry": {"attempts": 3, "attempt_timeout_s": 3.0}}
    run = Run.of(world_of(cloud, faults, serving, {"preset": "ideal"}, seed=1))
    assert_littles_law(run, run.horizon_s)
    assert_littles_law(run, 20.0)
    assert set(run.log.ends) == set(End)
    assert min(run.means(20.0)) > 0.5
    still_there = sum(np.array(run.log.arrivals_s) <= 20.0) - sum(np.array(run.log.ends_s) <= 20.0)
    assert still_there > 2


def test_a_cloud_that_tells_a_wrong_time_is_found_out():
    world = world_of({}, {}, {}, {"preset": "ideal"}, seed=1)
    run = Run.of(world)
    assert_littles_law(run, run.horizon_s)
    run.log.ends_s[0] += 0.001
    with pytest.raises(AssertionError):
        assert_littles_law(run, run.horizon_s)
