"""The engine leaves the records of the plain program, whatever the cloud does and suffers.

For the default cloud the plain program has a cloud of its own. All others it asks in the order and
at the times of its own simple processes, so that nothing may depend on how devices are simulated.
"""

import dataclasses

import numpy as np
from every_engine import simulate
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_clouds import FAULTS, clouds
from random_world import make_world

from benchmarks.plain_cloud import is_plain
from benchmarks.plain_program import simulate_plainly
from sim.client.settings import ServingSettings
from sim.cloud.settings import CloudSettings
from sim.faults.settings import FaultSettings
from sim.network.preset import PresetNetwork
from sim.policies.consistency import Consistency

ONE_AT_A_TIME = {
    "replicas": 3,
    "queue_limit": 1,
    "batching": {"kind": "continuous", "size": 1},
    "service_time": {
        "kind": "roofline",
        "accelerator": "t4",
        "served_model": {"parameters": 1e9, "prompt_tokens": 16, "output_tokens": 10},
        "memory_utilisation": 0.0625,
    },
}


def assert_equal(engine, plain, without=()):
    for part in ("interactions", "requests", "cloud"):
        ours, theirs = (dataclasses.asdict(getattr(each, part)) for each in (engine, plain))
        for name in without:
            ours.pop(name, None), theirs.pop(name, None)
        np.testing.assert_equal(ours, theirs, err_msg=part)
    assert engine.energy_j == plain.energy_j


def world_with(cloud, faults, *, seed, whole_seconds, mode="stale", preset="3g", timeout_s=10.0):
    think_s = np.random.default_rng(seed).integers(1, 4, (25, 6)).astype(float)
    return make_world(
        devices=25,
        users=10,
        steps=7,
        seed=seed,
        policy=Consistency(threshold=0.8),
        think_s=think_s if whole_seconds else None,
        start_spread_s=0.0 if whole_seconds else 20.0,
        scoring_flops=0.0 if whole_seconds else 7e6,
        serving=ServingSettings(mode=mode, timeout_s=timeout_s),
        network=PresetNetwork.model_validate({"preset": preset}),
        cloud=CloudSettings.model_validate(cloud),
        faults=FaultSettings.model_validate(faults),
    )


@given(
    cloud=clouds(),
    faults=FAULTS,
    seed=st.integers(0, 1000),
    mode=st.sampled_from(["stale", "wait"]),
    preset=st.sampled_from(["ideal", "3g"]),
    timeout_s=st.sampled_from([1.0, 30.0]),
    whole_seconds=st.booleans(),
)
@example(
    cloud=ONE_AT_A_TIME,
    faults={"crashes": ({"at_s": 2.0, "replica": 0, "down_s": 1.0, "work": "lost"},)},
    seed=0,
    mode="stale",
    preset="ideal",
    timeout_s=30.0,
    whole_seconds=True,
).via("a crash at the very time of a decision answers the request that the decision sees")
@settings(max_examples=60)
def test_engine_equals_plain_program_whatever_the_cloud(
    cloud, faults, seed, mode, preset, timeout_s, whole_seconds
):
    world = world_with(
        cloud,
        faults,
        seed=seed,
        whole_seconds=whole_seconds,
        mode=mode,
        preset=preset,
        timeout_s=timeout_s,
    )
    # The plain program's own cloud keeps no account of its load.
    without = ("load",) if is_plain(world.cloud, world.faults) else ()
    assert_equal(simulate(world), simulate_plainly(world), without)


@given(seed=st.integers(0, 1000), replicas=st.integers(1, 3), whole_seconds=st.booleans())
@settings(max_examples=15)
def test_records_of_the_cloud_equal_those_of_a_cloud_of_its_own(seed, replicas, whole_seconds):
    cloud = {
        "replicas": replicas,
        "queue_limit": 6,
        "batching": {"kind": "static", "size": 3, "wait_s": 0.5},
        "service_time": {"kind": "fixed", "seconds": 1.0},
    }
    world = world_with(cloud, {}, seed=seed, whole_seconds=whole_seconds)
    assert is_plain(world.cloud, world.faults)
    engine = simulate(world)
    # The plain program's own cloud does not write down when each attempt came and went.
    assert_equal(engine, simulate_plainly(world), without=("load",))
    assert engine.cloud.arrived > 0
