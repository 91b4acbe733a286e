"""The compiled loop leaves bit for bit the records of the engine, and declines other worlds."""

import every_engine
import numpy as np
import pytest
from equal_records import assert_equal_records
from every_policy import POLICIES
from hypothesis import given, settings
from hypothesis import strategies as st
from random_world import make_world

from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.service_time.random import RandomServiceTime
from sim.cloud.settings import CloudSettings
from sim.compiled import scope, simulation
from sim.device.settings import DeviceSettings
from sim.engine import simulate
from sim.faults.settings import FaultSettings
from sim.network.preset import PresetNetwork
from sim.policies.assignment import PolicyAssignment
from sim.policies.consistency import Consistency
from sim.policies.random import Random
from sim.policies.schedule import Schedule
from sim.policies.staleness import Staleness

BUSY_CLOUD = CloudSettings(
    replicas=3,
    queue_limit=20,
    batching=StaticBatching(size=4, wait_s=0.05),
    service_time=FixedServiceTime(seconds=0.8),
)
TIMELESS = [each for each in POLICIES if not (each.reads_times or each.reads_link)]


def both(world):
    """Run a world, which the compiled loop has to know, by both engines; return what is left."""
    assert scope.knows(world)
    return every_engine.simulate(world)


@pytest.mark.parametrize("policy", TIMELESS, ids=lambda policy: policy.series)
@pytest.mark.parametrize("mode", ["stale", "wait"])
@pytest.mark.parametrize("preset", ["ideal", "3g"])
def test_compiled_loop_equals_the_engine_under_every_policy(policy, mode, preset):
    both(
        make_world(
            devices=80,
            policy=policy,
            serving=ServingSettings(mode=mode, timeout_s=10.0),
            network=PresetNetwork.model_validate({"preset": preset}),
            cloud=BUSY_CLOUD,
        )
    )


@st.composite
def worlds(draw):
    """Draw a world that the compiled loop knows; in some, everything happens at whole seconds."""
    whole_seconds, seed = draw(st.booleans()), draw(st.integers(0, 1000))
    think_s = np.random.default_rng(seed).integers(0, 4, (30, 7)).astype(float)
    hardware = draw(st.sampled_from([{}, {"churn": {"per_step": 0.1}}, {"sustained_flops": 1e7}]))
    return make_world(
        devices=30,
        users=10,
        steps=8,
        seed=seed,
        policy=draw(st.sampled_from(TIMELESS)),
        think_s=think_s if whole_seconds else None,
        start_spread_s=0.0 if whole_seconds else 20.0,
        scoring_flops=0.0 if whole_seconds else 7e6,
        hardware=DeviceSettings.model_validate(hardware),
        serving=ServingSettings(
            mode=draw(st.sampled_from(["stale", "wait"])),
            first_list=draw(st.sampled_from(["preloaded", "none"])),
            deadline_s=draw(st.sampled_from([0.0, 0.5, 5.0])),
            timeout_s=draw(st.sampled_from([0.3, 1.0, 30.0])),
        ),
        network=PresetNetwork.model_validate(
            draw(
                st.sampled_from(
                    [
                        {"preset": "ideal"},
                        {"preset": "3g"},
                        {"preset": "wifi"},
                        {"up_bps": 3e3, "down_bps": 2e3, "rtt_s": 0.5, "radio": "3g"},
                        {"up_bps": 8e3, "down_bps": 8e3, "rtt_s": 0.0},
                    ]
                )
            )
        ),
        cloud=CloudSettings(
            replicas=draw(st.integers(1, 3)),
            queue_limit=draw(st.integers(1, 30)),
            batching=StaticBatching(
                size=draw(st.integers(1, 6)), wait_s=draw(st.sampled_from([0.0, 0.25, 1.0]))
            ),
            service_time=FixedServiceTime(
                seconds=draw(st.sampled_from([0.0, 0.25, 2.0])),
                seconds_per_request=draw(st.sampled_from([0.0, 0.5])),
            ),
        ),
    )


@given(world=worlds())
@settings(max_examples=150, deadline=None)
def test_compiled_loop_equals_the_engine_whatever_the_world(world):
    both(world)


def test_tables_grow_as_the_loop_needs_them(monkeypatch):
    monkeypatch.setattr(simulation, "ROOM", 2)
    monkeypatch.setattr(simulation, "BUCKETS", 3)
    monkeypatch.setattr(simulation, "EVENTS_AT_ONCE", 7)
    requests = both(make_world(devices=60, policy=Consistency(threshold=0.6))).requests
    assert len(requests.device) > 100


def test_devices_of_one_user_that_follow_different_policies():
    policies = (Consistency(threshold=0.7), Schedule(steps=(1, 5)), Random(probability=0.5))
    assigned = PolicyAssignment(policies, np.arange(80) % 3)
    result = both(make_world(devices=80, users=5, policy=policies[0], assigned=assigned))
    asked = result.interactions.requested[1::3]
    assert not np.delete(asked, (1, 5), axis=1).any()


def test_a_large_world_takes_the_compiled_loop(monkeypatch):
    world = make_world(devices=40, policy=Consistency(threshold=0.6))
    monkeypatch.setattr(scope, "COMPILED_FROM", 1)
    compiled = simulate(world)
    monkeypatch.undo()
    events = simulate(world)
    assert_equal_records(compiled, events)
    # It schedules fewer events for the same world: no processes begin and end.
    assert compiled.events < events.events


UNKNOWN = {
    "policy that reads times": {"policy": Staleness(seconds=30.0)},
    "retries": {"serving": ServingSettings.model_validate({"retry": {"attempts": 2}})},
    "attempt timeout": {
        "serving": ServingSettings.model_validate({"retry": {"attempt_timeout_s": 1}})
    },
    "circuit breaker": {
        "serving": ServingSettings.model_validate({"circuit_breaker": {"failures": 1}})
    },
    "loss": {
        "network": PresetNetwork.model_validate({"preset": "3g", "loss": {"probability": 0.1}})
    },
    "outage": {
        "faults": FaultSettings.model_validate({"outages": ({"start_s": 1, "duration_s": 2},)})
    },
    "coverage": {
        "faults": FaultSettings.model_validate(
            {"coverage_losses": ({"start_s": 1, "duration_s": 2},)}
        )
    },
    "compute budget": {"hardware": DeviceSettings(budget_covers="all")},
    "battery": {"hardware": DeviceSettings.model_validate({"battery": {}, "battery_j": 40000.0})},
    "background": {
        "hardware": DeviceSettings.model_validate({"availability": {"on_s": 60.0, "off_s": 60.0}})
    },
    "chance": {"cloud": CloudSettings(service_time=RandomServiceTime(mean_s=0.1))},
    "continuous batching": {
        "cloud": CloudSettings.model_validate({"batching": {"kind": "continuous"}})
    },
    "order by age": {"cloud": CloudSettings(order="oldest_list")},
    "expired requests": {"cloud": CloudSettings(drop_expired=True)},
    "prompts by history": {
        "cloud": CloudSettings.model_validate(
            {
                "service_time": {
                    "kind": "roofline",
                    "served_model": {"tokens_per_interaction": 5},
                }
            }
        )
    },
}


@pytest.mark.parametrize("world", UNKNOWN.values(), ids=UNKNOWN)
def test_what_the_compiled_loop_does_not_know_it_declines(world):
    world = make_world(**{"devices": 4, "policy": Consistency(threshold=0.6), **world})
    assert not scope.knows(world)
