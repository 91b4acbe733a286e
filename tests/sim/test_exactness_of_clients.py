"""Clients that retry and give up: the engine equals the plain program, and nothing gets lost."""

import numpy as np
from equal_records import assert_equal_records
from every_engine import simulate
from every_policy import POLICIES
from hypothesis import given, settings
from hypothesis import strategies as st
from random_adaptations import ADAPTATIONS
from random_clients import SERVINGS
from random_phones import DEVICES
from random_world import make_world

from benchmarks.plain_program import simulate_plainly
from sim.client.request import Answer, Outcome
from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.faults.settings import FaultSettings
from sim.network.preset import PresetNetwork

NETWORKS = st.sampled_from(
    [
        {"preset": "ideal"},
        {"preset": "3g"},
        {"preset": "3g", "loss": {"probability": 0.3}},
        {"preset": "4g", "loss": {"probability": 0.1}},
    ]
)
CLOUDS = st.builds(
    CloudSettings,
    queue_limit=st.integers(1, 6),
    batching=st.builds(StaticBatching, size=st.integers(1, 4), wait_s=st.just(0.0)),
    service_time=st.builds(FixedServiceTime, seconds=st.sampled_from([0.25, 1.0])),
)
FAULTS = st.sampled_from(
    [
        {},
        {"outages": ({"start_s": 5.13, "duration_s": 7.0, "behaviour": "refuse"},)},
        {"outages": ({"start_s": 5.13, "duration_s": 7.0, "behaviour": "silent"},)},
        {"coverage_losses": ({"start_s": 4.13, "duration_s": 8.0, "share": 0.5},)},
    ]
)
FIXED_WEIGHTS = st.none()
ORDINARY_PHONES = st.just({})


@st.composite
def worlds(draw, adaptations=FIXED_WEIGHTS, devices=ORDINARY_PHONES):
    """Small worlds in which much goes wrong."""
    seed, whole_seconds = draw(st.integers(0, 1000)), draw(st.booleans())
    think_s = np.random.default_rng(seed).integers(1, 4, (20, 7)).astype(float)
    return make_world(
        devices=20,
        users=10,
        steps=8,
        seed=seed,
        policy=draw(st.sampled_from(POLICIES)),
        think_s=think_s if whole_seconds else think_s + think_s / np.pi,
        start_spread_s=0.0 if whole_seconds else 10.0,
        scoring_flops=0.0 if whole_seconds else 7e6,
        serving=ServingSettings.model_validate(draw(SERVINGS)),
        network=PresetNetwork.model_validate(draw(NETWORKS)),
        cloud=draw(CLOUDS),
        faults=FaultSettings.model_validate(draw(FAULTS)),
        hardware=DeviceSettings.model_validate(draw(devices)),
        adaptation=draw(adaptations),
    )


@given(world=worlds())
@settings(max_examples=100, deadline=None)
def test_engine_equals_plain_program_whatever_the_clients_do(world):
    assert_equal_records(simulate(world), simulate_plainly(world))


@given(world=worlds(adaptations=ADAPTATIONS))
@settings(max_examples=40, deadline=None)
def test_engine_equals_plain_program_where_weights_change_and_requests_fail(world):
    assert_equal_records(simulate(world), simulate_plainly(world))


@given(world=worlds(FIXED_WEIGHTS | ADAPTATIONS, DEVICES))
@settings(max_examples=40, deadline=None)
def test_engine_equals_plain_program_where_phones_run_out_and_requests_fail(world):
    assert_equal_records(simulate(world), simulate_plainly(world))


@given(world=worlds())
@settings(max_examples=100, deadline=None)
def test_every_request_ends_once_and_keeps_to_its_settings(world):
    result, serving = simulate(world), world.serving
    interactions, requests = result.interactions, result.requests
    kinds = (interactions.requested, interactions.suppressed, interactions.held_back)
    assert (sum(kind.astype(int) for kind in kinds) <= 1).all()
    # Every step that asked is one request, with one outcome.
    asked = list(zip(*np.nonzero(interactions.requested), strict=True))
    assert asked == list(zip(requests.device, requests.step, strict=True))
    assert np.isin(requests.outcome, list(Outcome)).all()
    in_flight = requests.outcome == Outcome.IN_FLIGHT
    np.testing.assert_array_equal(in_flight, np.isinf(requests.ended_s))
    # It ends within its time, and just then where it timed out.
    expires_s = requests.sent_s + serving.timeout_s
    assert (requests.ended_s[~in_flight] <= expires_s[~in_flight]).all()
    timed_out = requests.outcome == Outcome.TIMED_OUT
    np.testing.assert_array_equal(requests.ended_s[timed_out], expires_s[timed_out])
    # All attempts were made where it was given up before, and no more in any case.
    retry = serving.retry
    assert (requests.attempts >= 1).all()
    assert (requests.attempts <= retry.attempts).all()
    exhausted = np.isin(requests.outcome, (Outcome.REJECTED, Outcome.LOST))
    assert (requests.attempts[exhausted] == retry.attempts).all()
    assert (requests.answer[requests.outcome == Outcome.REJECTED] == Answer.REJECTION).all()
    delivered = np.isin(requests.outcome, (Outcome.DELIVERED, Outcome.SUPERSEDED))
    assert (requests.answer[delivered] == Answer.LIST).all()
    np.testing.assert_array_equal(requests.received_s[delivered], requests.ended_s[delivered])
    # Waits keep their bounds: all of the longest waits without jitter, and less with it.
    longest_s = np.cumsum([0.0] + [retry.longest_wait_s(k) for k in range(retry.attempts)])
    bound_s = longest_s[requests.attempts - 1]
    if retry.jitter == "none":
        np.testing.assert_allclose(requests.retry_wait_s, bound_s, atol=1e-9)
    else:
        assert (requests.retry_wait_s <= bound_s + 1e-9).all()
    assert_breakers_hold(world, interactions, requests)


def assert_breakers_hold(world, interactions, requests):
    """Go through every device's steps with a breaker of one's own."""
    breaker = world.serving.circuit_breaker
    ends = {
        (device, step): (ended_s, outcome in (Outcome.DELIVERED, Outcome.SUPERSEDED))
        for device, step, ended_s, outcome in zip(
            requests.device, requests.step, requests.ended_s, requests.outcome, strict=True
        )
    }
    for device in range(world.devices):
        failed, open_until_s = 0, -np.inf
        for step, decision_s in enumerate(interactions.decision_s[device]):
            is_open = decision_s < open_until_s
            if interactions.held_back[device, step]:
                assert is_open
            if interactions.requested[device, step]:
                assert not is_open
                ended_s, delivered = ends[device, step]
                failed = 0 if delivered else failed + 1
                if breaker.failures is not None and failed >= breaker.failures:
                    open_until_s = ended_s + breaker.open_s
