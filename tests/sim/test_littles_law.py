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

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_clouds import FAULTS, clouds
from random_world import make_world
from watched_cloud import Run, assert_littles_law, exactly

from sim.client.request import NEVER_S, Answer
from sim.client.settings import ServingSettings
from sim.cloud.records import End
from sim.cloud.settings import CloudSettings
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
