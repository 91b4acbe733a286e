"""The engine leaves the records of the plain program where links change, too."""

import numpy as np
from equal_records import assert_equal_records
from every_engine import simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from random_adaptations import ADAPTATIONS
from random_networks import LINK_FAULTS, MOBILE_OR_STEADY
from random_world import make_world

from benchmarks.plain_program import simulate_plainly
from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.faults.settings import FaultSettings
from sim.network import AnyNetwork
from sim.policies.always import Always
from sim.policies.consistency import Consistency
from sim.policies.random import Random

NETWORKS = MOBILE_OR_STEADY.map(TypeAdapter(AnyNetwork).validate_python)
FAULTS = LINK_FAULTS.map(FaultSettings.model_validate)
POLICY = st.sampled_from([Always(), Random(probability=0.4), Consistency(threshold=0.6)])


def assert_exact(world):
    engine, plain = simulate(world), simulate_plainly(world)
    assert_equal_records(engine, plain)
    assert engine.network.traffic == plain.network.traffic
    assert engine.network.radio_energy_j == plain.network.radio_energy_j
    if engine.network.coverage is None:
        assert plain.network.coverage is None
    else:
        np.testing.assert_array_equal(
            engine.network.coverage.devices, plain.network.coverage.devices
        )


def mobile_world(network, faults, seed, policy, serving, service_s, whole_seconds, **parts):
    think_s = np.random.default_rng(seed).integers(1, 4, (25, 7)).astype(float)
    return make_world(
        devices=25,
        users=10,
        steps=8,
        seed=seed,
        policy=policy,
        think_s=think_s if whole_seconds else None,
        start_spread_s=0.0 if whole_seconds else 20.0,
        scoring_flops=0.0 if whole_seconds else 7e6,
        serving=serving,
        network=network,
        faults=faults,
        cloud=CloudSettings(
            queue_limit=10,
            batching=StaticBatching(size=3, wait_s=0.25),
            service_time=FixedServiceTime(seconds=service_s),
        ),
        **parts,
    )


SERVING = st.builds(
    ServingSettings,
    mode=st.sampled_from(["stale", "wait"]),
    deadline_s=st.sampled_from([0.5, 5.0]),
    timeout_s=st.sampled_from([1.0, 30.0]),
    no_coverage=st.sampled_from(["wait", "time_out", "fail"]),
)


@given(
    network=NETWORKS,
    faults=FAULTS,
    seed=st.integers(0, 1000),
    policy=POLICY,
    serving=SERVING,
    service_s=st.sampled_from([0.0, 0.25, 2.0]),
    whole_seconds=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_engine_equals_plain_program_on_the_move(
    network, faults, seed, policy, serving, service_s, whole_seconds
):
    assert_exact(mobile_world(network, faults, seed, policy, serving, service_s, whole_seconds))


@given(
    network=NETWORKS,
    faults=FAULTS,
    seed=st.integers(0, 1000),
    policy=POLICY,
    serving=SERVING,
    whole_seconds=st.booleans(),
    adaptation=ADAPTATIONS,
)
@settings(max_examples=30, deadline=None)
def test_engine_equals_plain_program_where_weights_change_on_the_move(
    network, faults, seed, policy, serving, whole_seconds, adaptation
):
    assert_exact(
        mobile_world(
            network, faults, seed, policy, serving, 0.25, whole_seconds, adaptation=adaptation
        )
    )
