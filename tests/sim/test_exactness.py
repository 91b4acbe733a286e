"""The engine leaves bit for bit the records of the plain program (exactness of event logic)."""

import numpy as np
import pytest
from equal_records import assert_equal_records
from every_engine import simulate
from every_policy import POLICIES
from fake_adaptation import FakeAdaptation
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_adaptations import ADAPTATIONS
from random_world import make_world

from benchmarks.plain_program import simulate_plainly
from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.network.preset import PresetNetwork
from sim.policies.consistency import Consistency
from sim.policies.random import Random

FREE_CLOUD = CloudSettings(service_time=FixedServiceTime(seconds=0.0))
BUSY_CLOUD = CloudSettings(
    replicas=2,
    queue_limit=20,
    batching=StaticBatching(size=4, wait_s=0.05),
    service_time=FixedServiceTime(seconds=0.8),
)


def network(preset):
    return PresetNetwork.model_validate({"preset": preset})


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.kind)
@pytest.mark.parametrize("mode", ["stale", "wait"])
@pytest.mark.parametrize("preset", ["ideal", "3g"])
@pytest.mark.parametrize("cloud", [FREE_CLOUD, BUSY_CLOUD], ids=["free", "busy"])
def test_engine_equals_plain_program(policy, mode, preset, cloud):
    world = make_world(
        devices=80,
        policy=policy,
        serving=ServingSettings(mode=mode, timeout_s=10.0),
        network=network(preset),
        cloud=cloud,
    )
    assert_equal_records(simulate(world), simulate_plainly(world))


@given(
    seed=st.integers(0, 1000),
    mode=st.sampled_from(["stale", "wait"]),
    first_list=st.sampled_from(["preloaded", "none"]),
    preset=st.sampled_from(["ideal", "3g", "wifi"]),
    deadline_s=st.sampled_from([0.0, 0.5, 5.0]),
    timeout_s=st.sampled_from([0.3, 1.0, 30.0]),
    service_s=st.sampled_from([0.0, 0.25, 2.0]),
    queue_limit=st.integers(1, 30),
    size=st.integers(1, 6),
    wait_s=st.sampled_from([0.0, 0.25]),
    threshold=st.floats(0.0, 1.01),
    whole_seconds=st.booleans(),
)
@settings(max_examples=60)
def test_engine_equals_plain_program_whatever_the_world(
    seed,
    mode,
    first_list,
    preset,
    deadline_s,
    timeout_s,
    service_s,
    queue_limit,
    size,
    wait_s,
    threshold,
    whole_seconds,
):
    # Whole seconds and a common start make everything happen at the same instants. A think time of
    # 0 is left out: there a reply of the very instant may depend on a later decision of the same
    # instant, and only the engine, which goes by times alone, counts it as arrived.
    think_s = np.random.default_rng(seed).integers(1, 4, (30, 7)).astype(float)
    world = make_world(
        devices=30,
        users=10,
        steps=8,
        seed=seed,
        policy=Consistency(threshold=threshold),
        think_s=think_s if whole_seconds else None,
        start_spread_s=0.0 if whole_seconds else 20.0,
        scoring_flops=0.0 if whole_seconds else 7e6,
        serving=ServingSettings(
            mode=mode, first_list=first_list, deadline_s=deadline_s, timeout_s=timeout_s
        ),
        network=network(preset),
        cloud=CloudSettings(
            queue_limit=queue_limit,
            batching=StaticBatching(size=size, wait_s=wait_s),
            service_time=FixedServiceTime(seconds=service_s),
        ),
    )
    assert_equal_records(simulate(world), simulate_plainly(world))


@example(
    # Replies and pushes of the instant of a last decision.
    adaptation=FakeAdaptation(8).from_cloud(every_s=1.0, parameter_bytes=0),
    seed=0,
    policy=Random(probability=0.4),
    mode="stale",
    first_list="preloaded",
    preset="ideal",
    deadline_s=0.0,
    timeout_s=1.0,
    service_s=2.0,
    budget=np.inf,
    whole_seconds=True,
)
@given(
    adaptation=ADAPTATIONS,
    seed=st.integers(0, 1000),
    policy=st.sampled_from(POLICIES),
    mode=st.sampled_from(["stale", "wait"]),
    first_list=st.sampled_from(["preloaded", "none"]),
    preset=st.sampled_from(["ideal", "3g"]),
    deadline_s=st.sampled_from([0.0, 0.5, 5.0]),
    timeout_s=st.sampled_from([0.3, 1.0, 30.0]),
    service_s=st.sampled_from([0.0, 0.25, 2.0]),
    budget=st.sampled_from([np.inf, 6e13, 1.5e12]),
    whole_seconds=st.booleans(),
)
@settings(max_examples=100)
def test_engine_equals_plain_program_where_weights_change(
    adaptation,
    seed,
    policy,
    mode,
    first_list,
    preset,
    deadline_s,
    timeout_s,
    service_s,
    budget,
    whole_seconds,
):
    think_s = np.random.default_rng(seed).integers(1, 4, (30, 7)).astype(float)
    world = make_world(
        devices=30,
        users=10,
        steps=8,
        seed=seed,
        policy=policy,
        think_s=think_s if whole_seconds else None,
        start_spread_s=0.0 if whole_seconds else 20.0,
        scoring_flops=0.0 if whole_seconds else 7e6,
        serving=ServingSettings(
            mode=mode, first_list=first_list, deadline_s=deadline_s, timeout_s=timeout_s
        ),
        network=network(preset),
        hardware=DeviceSettings(compute_budget_flops_per_hour=budget),
        cloud=CloudSettings(
            batching=StaticBatching(size=3, wait_s=0.25),
            service_time=FixedServiceTime(seconds=service_s),
        ),
        adaptation=adaptation,
    )
    assert_equal_records(simulate(world), simulate_plainly(world))
