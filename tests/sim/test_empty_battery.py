"""A phone whose battery is empty is off: it ranks, asks and trains no more, and retries nothing."""

import numpy as np
import pytest
from every_engine import simulate
from fake_adaptation import FakeAdaptation
from hypothesis import given, settings
from hypothesis import strategies as st
from random_world import make_world

from benchmarks.plain_program import simulate_plainly
from sim.client.request import Outcome
from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.faults.settings import FaultSettings
from sim.network.preset import PresetNetwork
from sim.policies.always import Always
from sim.policies.periodic import Periodic
from sim.policies.random import Random
from sim.records.interactions import RankedBy

IDEAL = PresetNetwork.model_validate({"preset": "ideal"})
NO_FLOORS = {"saver_below": 0, "stop_below": 0}
FULL = {"low": 1.0, "high": 1.0, **NO_FLOORS}
OUT_OF_SERVICE = FaultSettings.model_validate({"outages": ({"start_s": 0, "duration_s": 1000},)})


def cloud(service_s):
    return CloudSettings(
        batching=StaticBatching(size=1, wait_s=0.0),
        service_time=FixedServiceTime(seconds=service_s),
    )


def one_phone(*, steps=8, service_s=0.0, start=1.0, hardware=None, **parts):
    """One phone that decides every 10 s, whose 100 J last for 25 s and which scores in no time."""
    battery = {"start": {"low": start, "high": start}, **NO_FLOORS}
    return make_world(
        devices=1,
        users=1,
        steps=steps,
        start_spread_s=0.0,
        think_s=np.full((1, steps - 1), 10.0),
        cloud=cloud(service_s),
        hardware=DeviceSettings.model_validate(
            {
                "sustained_flops": float("inf"),
                "battery_j": 100.0,
                "idle_power_w": 4.0,
                "battery": battery,
                **(hardware or {}),
            }
        ),
        **{"policy": Always(), "network": IDEAL, **parts},
    )


def test_an_empty_battery_asks_for_nothing_and_its_log_goes_on():
    result = simulate(one_phone())
    records = result.interactions
    np.testing.assert_allclose(records.battery_share[0], [1.0, 0.6, 0.2, 0, 0, 0, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(records.requested[0], [True] * 3 + [False] * 5)
    np.testing.assert_array_equal(records.ranked_by[0, 3:], [RankedBy.LLM] * 5)
    assert not (records.suppressed | records.held_back).any()
    # What is shown is the list of step 2, which is there and has not been scored again.
    np.testing.assert_array_equal(records.shown_row[0, 3:], [2] * 5)
    np.testing.assert_array_equal(records.decision_s[0], 10.0 * np.arange(8))
    assert len(result.requests.device) == 3


@pytest.mark.parametrize("mode", ["stale", "wait"])
def test_a_phone_that_is_off_from_the_start_costs_no_radio(mode):
    world = one_phone(
        start=0.0,
        serving=ServingSettings(mode=mode),
        network=PresetNetwork.model_validate({"preset": "3g"}),
    )
    result = simulate(world)
    assert not result.interactions.requested.any()
    assert len(result.requests.device) == 0
    assert sum(joules for state, joules in result.energy_j.items() if state != "idle") == 0


def test_what_is_under_way_ends_as_it_would():
    # Asked at 20 s, served at 35 s; the battery is empty at 25 s.
    result = simulate(one_phone(service_s=15.0, policy=Periodic(every=3)))
    records, requests = result.interactions, result.requests
    assert (requests.sent_s[0], requests.received_s[0]) == (20.0, 35.0)
    assert requests.outcome[0] == Outcome.DELIVERED
    np.testing.assert_array_equal(records.suppressed[0], [False] * 3 + [True] + [False] * 4)
    np.testing.assert_array_equal(records.held_row[0, 4:], [2] * 4)


@pytest.mark.parametrize(("mode", "deadline_s"), [("stale", 2.0), ("wait", 2.0), ("wait", 50.0)])
def test_a_request_is_not_sent_again_with_an_empty_battery(mode, deadline_s):
    retry = {"attempts": 9, "backoff_s": 8.0, "backoff_cap_s": 8.0, "jitter": "none"}
    serving = ServingSettings.model_validate(
        {"mode": mode, "deadline_s": deadline_s, "timeout_s": 60.0, "retry": retry}
    )

    def the_request(**parts):
        requests = simulate(one_phone(serving=serving, faults=OUT_OF_SERVICE, **parts)).requests
        return int(requests.attempts[0]), int(requests.outcome[0])

    # At 0, 8, 16 and 24 s, and then no more: the phone that would give it up is off by 25 s.
    assert the_request() == (4, Outcome.TIMED_OUT)
    # With a full battery up to the timeout.
    assert the_request(hardware={"battery_j": 1e6}) == (8, Outcome.TIMED_OUT)


def test_what_is_spent_while_a_request_waits_counts_before_it_is_sent_again():
    # Of 97 J go 12 J a scoring, which takes 1 s, and 2 J a second.
    retry = {"attempts": 9, "backoff_s": 9.5, "backoff_cap_s": 9.5, "jitter": "none"}
    serving = ServingSettings.model_validate({"timeout_s": 90.0, "retry": retry})
    hardware = {"sustained_flops": 1e6, "active_power_w": 12.0, "idle_power_w": 2.0}
    world = one_phone(
        serving=serving,
        faults=OUT_OF_SERVICE,
        policy=Periodic(every=2),
        hardware={**hardware, "battery_j": 97.0},
        scoring_flops=1e6,
    )
    result = simulate(world)
    # Decisions at 0, 11, 22 and 33 s. Sent at 12 s, and at 21.5 s with 97 - 2 x 12 - 43 J left. At
    # 31 s there would be 97 - 2 x 12 - 62 J, but another list was scored at 22 s.
    share = np.array([97, 97 - 12 - 22, 97 - 24 - 44, 0]) / 97
    np.testing.assert_allclose(result.interactions.battery_share[0, :4], share, rtol=1e-6)
    assert result.requests.attempts[0] == 2
    assert_same(result, simulate_plainly(world))


def test_a_phone_that_is_off_does_not_train():
    adaptation = FakeAdaptation(8).on_device(every_interactions=2, training_flops=0.0)
    on, off = (
        simulate(one_phone(adaptation=adaptation, start=start, hardware={"idle_power_w": 0.0}))
        for start in (1.0, 0.0)
    )
    assert len(on.adaptation.log.trainings) > 0
    assert len(off.adaptation.log.trainings) == 0


def assert_same(engine, plain):
    for part in ("interactions", "requests"):
        for name, ours in vars(getattr(engine, part)).items():
            np.testing.assert_array_equal(ours, getattr(getattr(plain, part), name), err_msg=name)
    assert engine.energy_j == plain.energy_j


ADAPTATION = st.none() | st.builds(
    FakeAdaptation(8).on_device,
    every_interactions=st.integers(1, 3),
    training_flops=st.sampled_from([0.0, 1e10, 1e11]),
)


@given(
    seed=st.integers(0, 1000),
    policy=st.sampled_from([Always(), Random(probability=0.5), Periodic(every=2)]),
    mode=st.sampled_from(["stale", "wait"]),
    deadline_s=st.sampled_from([0.5, 5.0, 40.0]),
    attempt_timeout_s=st.sampled_from([None, 2.37]),
    backoff_s=st.sampled_from([0.0, 0.31, 7.1]),
    jitter=st.sampled_from(["none", "full"]),
    outage_s=st.sampled_from([20.0, 200.0]),
    behaviour=st.sampled_from(["refuse", "silent"]),
    battery_j=st.sampled_from([30.0, 100.0]),
    adaptation=ADAPTATION,
    availability=st.none() | st.just({"on_s": 20.0, "off_s": 10.0}),
)
@settings(max_examples=40, deadline=None)
def test_engine_equals_plain_program_where_batteries_run_empty_while_clouds_are_out(
    seed,
    policy,
    mode,
    deadline_s,
    attempt_timeout_s,
    backoff_s,
    jitter,
    outage_s,
    behaviour,
    battery_j,
    adaptation,
    availability,
):
    retry = {
        "attempts": 5,
        "attempt_timeout_s": attempt_timeout_s,
        "backoff_s": backoff_s,
        "jitter": jitter,
    }
    outage = {"start_s": 5.0, "duration_s": outage_s, "behaviour": behaviour}
    battery = {"start": {"low": 0.0, "high": 1.0}, "saver_below": 0.3, "stop_below": 0.0}
    world = make_world(
        devices=20,
        users=10,
        steps=8,
        seed=seed,
        policy=policy,
        start_spread_s=20.0,
        hardware=DeviceSettings.model_validate(
            {
                "sustained_flops": 1e7,
                "battery_j": battery_j,
                "idle_power_w": 1.0,
                "battery": battery,
                "availability": availability,
            }
        ),
        serving=ServingSettings.model_validate(
            {"mode": mode, "deadline_s": deadline_s, "timeout_s": 30.0, "retry": retry}
        ),
        faults=FaultSettings.model_validate({"outages": (outage,)}),
        cloud=cloud(0.25),
        adaptation=adaptation,
    )
    result = simulate(world)
    assert_same(result, simulate_plainly(world))
    records = result.interactions
    off = records.happened & (records.battery_share == 0)
    assert not (off & (records.requested | records.held_back)).any()
    assert (records.ranked_by[off] == RankedBy.LLM).all()
    if adaptation is not None:
        for training in result.adaptation.log.trainings:
            shown = records.shown_s[training.device] == training.start_s
            assert (records.battery_share[training.device][shown] > 0).any()
