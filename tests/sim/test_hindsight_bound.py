"""In a world without delay no policy is above the hindsight bound, nor beyond never and always."""

import dataclasses

import numpy as np
import pytest
from every_policy import POLICIES
from random_world import make_world

from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.engine import simulate
from sim.network.preset import PresetNetwork
from sim.policies.always import Always
from sim.policies.assignment import PolicyAssignment
from sim.policies.consistency import Consistency
from sim.policies.hindsight_plan import HindsightPlanner
from sim.policies.never import Never
from sim.policies.random import Random
from sim.policies.schedule import Schedule

STEPS = 10


def ideal_world(policy, mode):
    return make_world(
        devices=60,
        users=30,
        steps=STEPS,
        policy=policy,
        scoring_flops=0.0,
        serving=ServingSettings(mode=mode),
        network=PresetNetwork.model_validate({"preset": "ideal"}),
        cloud=CloudSettings(
            queue_limit=100,
            batching=StaticBatching(size=1),
            service_time=FixedServiceTime(seconds=0.0),
        ),
    )


def reached(world):
    """Return the requests per step and the mean NDCG@10 of a world, from its records."""
    result = simulate(world)
    rank = result.interactions.rank(world.table, world.sessions.user)
    ndcg = np.where((rank >= 1) & (rank <= 10), 1 / np.log2(1.0 + np.maximum(rank, 1)), 0.0)
    return result.interactions.requested.mean(), ndcg.mean()


def following(world, requests):
    plans = tuple(Schedule(steps=tuple(np.flatnonzero(each).tolist())) for each in requests)
    return dataclasses.replace(world, assigned=PolicyAssignment(plans, np.arange(world.devices)))


def hindsight_of(world, mode):
    delay_steps = 0 if mode == "wait" else 1
    return HindsightPlanner(
        world.table, world.sessions.user, world.sessions.steps, world.first_row, delay_steps
    )


@pytest.mark.parametrize("mode", ["wait", "stale"])
@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_hindsight_is_at_least_as_accurate_at_equal_frequency(policy, mode):
    world = ideal_world(policy, mode)
    frequency, ndcg = reached(world)
    plan = hindsight_of(world, mode).plan_of_frequency(frequency)
    asked, bound = reached(following(world, plan.requests))
    assert asked == plan.frequency
    assert asked == pytest.approx(frequency, abs=STEPS / (60 * STEPS))
    assert bound >= ndcg - 1e-12


@pytest.mark.parametrize("mode", ["wait", "stale"])
def test_never_and_always_are_the_ends_of_every_curve(mode):
    for none in (Random(probability=0.0), Consistency(threshold=0.0), Schedule(steps=())):
        assert reached(ideal_world(none, mode)) == reached(ideal_world(Never(), mode))
    for every in (Random(probability=1.0), Consistency(threshold=1.01)):
        assert reached(ideal_world(every, mode)) == reached(ideal_world(Always(), mode))
    requests = hindsight_of(ideal_world(Never(), mode), mode).plan(np.inf)
    assert not requests.any()
