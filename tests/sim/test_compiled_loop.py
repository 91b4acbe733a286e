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
from sim.compiled.simulation import simulate_compiled
from sim.device.settings import DeviceSettings
from sim.engine import simulate, simulate_events
from sim.faults.settings import FaultSettings
from sim.network.preset import PresetNetwork
from sim.policies.always import Always
from sim.policies.assignment import PolicyAssignment
from sim.policies.consistency import Consistency
from sim.policies.policy import Policy
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


def test_the_heap_has_room_for_whatever_happens_at_the_end_of_a_full_bucket(monkeypatch):
    # A batch of 64 is answered in the bucket in which as many sessions send as make the heap full.
    guard = 1000
    beginning, growing = simulation._state, simulation._with_room
    guarded = []

    def with_guard(state):
        rows = np.zeros(len(state.agenda.heap) + guard, state.agenda.heap.dtype)
        rows[:-guard] = state.agenda.heap
        guarded.append(rows)
        return state._replace(agenda=state.agenda._replace(heap=rows[:-guard]))

    monkeypatch.setattr(simulation, "ROOM", 256)
    monkeypatch.setattr(simulation, "_state", lambda *parts: with_guard(beginning(*parts)))
    monkeypatch.setattr(simulation, "_with_room", lambda state: with_guard(growing(state)))
    batch, later = 64, 256 + 64
    think_s = np.full((batch + later, 2), 1.0001)
    think_s[:, 1] = 1000.0
    policies = (Schedule(steps=(1,)), Schedule(steps=(0,)))
    both(
        make_world(
            devices=batch + later,
            steps=3,
            policy=policies[0],
            assigned=PolicyAssignment(policies, np.repeat([0, 1], [later, batch])),
            start_s=np.zeros(batch + later),
            think_s=think_s,
            scoring_flops=0.0,
            network=PresetNetwork.model_validate({"preset": "ideal"}),
            cloud=CloudSettings(
                queue_limit=10**6,
                batching=StaticBatching(size=batch),
                service_time=FixedServiceTime(seconds=1.0),
            ),
        )
    )
    assert guarded
    for rows in guarded:
        assert not rows[-guard:]["priority"].any()


def test_who_arrives_at_one_instant_waits_in_the_order_of_devices_however_often_it_is_settled():
    # Without any delay, served devices come back at once, while a later one still waits.
    both(
        make_world(
            devices=4,
            users=4,
            steps=2,
            policy=Always(),
            start_s=np.zeros(4),
            think_s=np.zeros((4, 1)),
            scoring_flops=0.0,
            network=PresetNetwork.model_validate({"preset": "ideal"}),
            cloud=CloudSettings(
                batching=StaticBatching(size=3, wait_s=0.25),
                service_time=FixedServiceTime(seconds=0.0),
            ),
        )
    )


def test_messages_may_be_large_and_batches_without_a_limit():
    serving = {"payload": {"header_bytes": 3_000_000_000, "interaction_bytes": 1_000_000_000}}
    both(
        make_world(
            devices=20,
            policy=Consistency(threshold=0.6),
            serving=ServingSettings.model_validate(serving),
            network=PresetNetwork.model_validate({"up_bps": 1e10, "down_bps": 1e10, "rtt_s": 0.1}),
            cloud=CloudSettings(
                batching=StaticBatching(size=10**9, wait_s=0.05),
                service_time=FixedServiceTime(seconds=0.3),
            ),
        )
    )


@pytest.mark.parametrize("steps", [1, 2, 130])
def test_windows_may_be_short_or_long(steps):
    both(make_world(devices=12, users=3, steps=steps, policy=Consistency(threshold=0.6)))


class _ReadsTimes(Policy):
    """Reads times and does not say so."""

    def asks(self, view):
        return view.decision_s >= 0


@pytest.mark.parametrize("run", [simulate_compiled, simulate_events])
def test_a_policy_that_does_not_say_that_it_reads_times_is_refused(run):
    world = make_world(devices=3, policy=_ReadsTimes())
    with pytest.raises(ValueError, match=r"times|broadcast"):
        run(world, world.make_links())


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
