"""What the simulation does, on worlds small enough to follow by hand."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_device import IDEAL, INSTANT, one_device
from random_world import make_world

from sim.client.request import Outcome
from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.engine import simulate
from sim.policies.always import Always
from sim.policies.consistency import Consistency
from sim.policies.never import Never
from sim.policies.periodic import Periodic


def test_stale_mode_uses_a_list_from_the_first_decision_at_or_after_its_arrival():
    # Asked at 0, 20, ...; served in exactly one think time, so the reply comes at the decision.
    result = simulate(one_device(policy=Always(), service_s=10.0))
    records = result.interactions
    np.testing.assert_array_equal(records.decision_s[0], [0, 10, 20, 30])
    np.testing.assert_array_equal(records.shown_s, records.decision_s)
    preloaded = 4
    np.testing.assert_array_equal(records.shown_row[0], [preloaded, 0, 1, 2])
    np.testing.assert_array_equal(records.requested[0], [True] * 4)
    assert list(result.requests.outcome) == [Outcome.DELIVERED] * 3 + [Outcome.IN_FLIGHT]


def test_a_step_with_a_request_outstanding_is_suppressed():
    result = simulate(one_device(policy=Always(), service_s=10.5))
    records = result.interactions
    np.testing.assert_array_equal(records.requested[0], [True, False, True, False])
    np.testing.assert_array_equal(records.suppressed[0], [False, True, False, True])
    np.testing.assert_array_equal(records.shown_row[0], [4, 4, 0, 0])
    # Asked at 20, answered at 30.5, when the last list had been shown: never seen by anybody.
    assert list(result.requests.outcome) == [Outcome.DELIVERED, Outcome.IN_FLIGHT]


def test_a_list_after_the_last_decision_is_superseded():
    world = make_world(
        devices=2,
        users=2,
        steps=2,
        policy=Periodic(every=2),
        start_spread_s=0.0,
        think_s=np.array([[1.0], [50.0]]),
        network=IDEAL,
        hardware=INSTANT,
        cloud=CloudSettings(replicas=2, service_time=FixedServiceTime(seconds=3.0)),
    )
    requests = simulate(world).requests
    # Device 0 asks at its last step, at 1 s, and is answered at 4.02 s; device 1 lives until 50 s.
    assert list(requests.outcome) == [Outcome.SUPERSEDED, Outcome.IN_FLIGHT]
    assert requests.received_s[0] == pytest.approx(4.02)


def test_wait_mode_shows_the_new_list_and_moves_every_later_decision():
    serving = ServingSettings(mode="wait", deadline_s=5.0)
    records = simulate(one_device(policy=Always(), service_s=2.0, serving=serving)).interactions
    np.testing.assert_array_equal(records.decision_s[0], [0, 12, 24, 36])
    np.testing.assert_array_equal(records.shown_s[0], [2, 14, 26, 38])
    np.testing.assert_array_equal(records.shown_row[0], [0, 1, 2, 3])
    np.testing.assert_array_equal(records.held_row[0], [4, 0, 1, 2])


def test_wait_mode_shows_the_old_list_at_the_deadline_and_the_new_one_later():
    serving = ServingSettings(mode="wait", deadline_s=1.0)
    records = simulate(one_device(policy=Always(), service_s=2.0, serving=serving)).interactions
    np.testing.assert_array_equal(records.shown_s[0], [1, 12, 23, 34])
    np.testing.assert_array_equal(records.shown_row[0], [4, 0, 1, 2])


def test_a_device_gives_up_after_the_timeout_and_may_ask_again():
    serving = ServingSettings(timeout_s=15.0)
    result = simulate(one_device(policy=Always(), service_s=16.0, steps=5, serving=serving))
    # Asks at 0, gives up at 15, asks at 20 (served from 20: the replica is free since 16), ...
    np.testing.assert_array_equal(result.requests.step, [0, 2, 4])
    np.testing.assert_array_equal(
        result.requests.outcome, [Outcome.TIMED_OUT, Outcome.TIMED_OUT, Outcome.IN_FLIGHT]
    )
    assert np.isinf(result.requests.received_s).all()
    np.testing.assert_array_equal(result.interactions.shown_row[0], [5] * 5)


def test_a_reply_at_exactly_the_timeout_is_delivered():
    serving = ServingSettings(timeout_s=10.0)
    result = simulate(one_device(policy=Periodic(every=2), service_s=10.0, serving=serving))
    assert result.requests.outcome[0] == Outcome.DELIVERED


def test_scoring_takes_its_time_before_a_request_and_before_display():
    hardware = DeviceSettings(sustained_flops=1e6, active_power_w=2.0)
    world = one_device(
        policy=Periodic(every=2),
        steps=2,
        serving=ServingSettings(mode="wait"),
        hardware=hardware,
        scoring_flops=5e5,
    )
    result = simulate(world)
    # Step 1: decided at 10.5, scored by 11, asked and answered at 11, scored anew by 11.5.
    np.testing.assert_allclose(result.interactions.decision_s[0], [0, 10.5])
    np.testing.assert_allclose(result.interactions.shown_s[0], [0.5, 11.5])
    assert result.requests.sent_s[0] == 11.0
    assert result.energy_j["compute"] == pytest.approx(3 * 0.5 * 2.0)


def test_uploads_carry_what_the_cloud_has_not_acknowledged():
    world = one_device(policy=Always(), service_s=10.5, steps=6, serving=ServingSettings())
    requests = simulate(world).requests
    # Steps 0, 2 and 4 ask; the preloaded list lacks one interaction.
    np.testing.assert_array_equal(requests.step, [0, 2, 4])
    np.testing.assert_array_equal(requests.bytes_up, [300 + 4, 300 + 8, 300 + 8])
    np.testing.assert_array_equal(requests.bytes_down, [300 + 8 * 50, 300 + 8 * 50, 0])


def test_a_device_without_a_list_uploads_its_whole_context_and_shows_popularity():
    serving = ServingSettings(first_list="none")
    world = one_device(policy=Always(), service_s=1.0, serving=serving, context_interactions=40)
    result = simulate(world)
    assert result.requests.bytes_up[0] == 300 + 4 * 40
    np.testing.assert_array_equal(result.interactions.shown_row[0], [5, 0, 1, 2])


def test_a_full_queue_rejects_and_the_rejection_is_a_bare_header():
    world = make_world(
        devices=4,
        users=4,
        steps=2,
        policy=Periodic(every=2),
        start_spread_s=0.0,
        think_s=np.full((4, 1), 5.0),
        network=IDEAL,
        hardware=INSTANT,
        cloud=CloudSettings(
            queue_limit=2,
            batching=StaticBatching(size=1, wait_s=0.0),
            service_time=FixedServiceTime(seconds=1.0),
        ),
    )
    requests = simulate(world).requests
    # All ask at 5 s, in the order of devices: 0 is served at once, 1 and 2 wait, 3 is turned away.
    assert requests.outcome[3] == Outcome.REJECTED
    assert requests.bytes_down[3] == 300
    assert np.isinf(requests.service_start_s[3])
    np.testing.assert_array_equal(requests.service_start_s[:1], [5.0])


def test_requests_of_one_instant_share_a_batch_even_without_latency():
    world = make_world(
        devices=8,
        users=8,
        steps=2,
        policy=Periodic(every=2),
        start_spread_s=0.0,
        think_s=np.full((8, 1), 5.0),
        network=IDEAL,
        hardware=INSTANT,
        cloud=CloudSettings(
            batching=StaticBatching(size=8, wait_s=0.0),
            service_time=FixedServiceTime(seconds=1.0),
        ),
    )
    np.testing.assert_array_equal(simulate(world).requests.batch_size, [8] * 8)


def test_never_asks_for_nothing_and_shows_the_first_list_throughout():
    result = simulate(make_world(policy=Never()))
    assert len(result.requests.device) == 0
    assert (result.interactions.shown_row == 12).all()
    assert result.energy_j["radio_transfer"] == 0


@pytest.mark.parametrize(("threshold", "wanted"), [(0.0, 0.0), (1.01, 1.0)])
def test_extreme_thresholds_ask_never_and_always(threshold, wanted):
    records = simulate(make_world(policy=Consistency(threshold=threshold))).interactions
    assert records.requested[~records.suppressed].mean() == wanted


def test_without_delay_frequency_rises_with_the_threshold():
    def frequency(threshold):
        world = make_world(
            policy=Consistency(threshold=threshold),
            network=IDEAL,
            hardware=INSTANT,
            serving=ServingSettings(mode="wait"),
            cloud=CloudSettings(service_time=FixedServiceTime(seconds=0.0)),
        )
        return simulate(world).interactions.requested.mean()

    frequencies = [frequency(threshold) for threshold in np.linspace(0, 1.01, 12)]
    assert (np.diff(frequencies) > 0).all()


@given(
    seed=st.integers(0, 10_000),
    devices=st.integers(1, 40),
    threshold=st.floats(0, 1.01),
    mode=st.sampled_from(["stale", "wait"]),
    timeout_s=st.floats(0.1, 20),
    service_s=st.floats(0, 4),
    replicas=st.integers(1, 3),
    queue_limit=st.integers(1, 50),
    size=st.integers(1, 5),
)
@settings(max_examples=60)
def test_conservation(
    seed, devices, threshold, mode, timeout_s, service_s, replicas, queue_limit, size
):
    world = make_world(
        devices=devices,
        users=10,
        steps=6,
        seed=seed,
        policy=Consistency(threshold=threshold),
        start_spread_s=30.0,
        serving=ServingSettings(mode=mode, timeout_s=timeout_s),
        cloud=CloudSettings(
            replicas=replicas,
            queue_limit=queue_limit,
            batching=StaticBatching(size=size, wait_s=0.1),
            service_time=FixedServiceTime(seconds=service_s),
        ),
    )
    result = simulate(world)
    interactions, requests = result.interactions, result.requests
    outcomes = np.bincount(requests.outcome, minlength=len(Outcome))
    assert outcomes.sum() == interactions.requested.sum() == len(requests.device)
    assert not (interactions.requested & interactions.suppressed).any()
    # Nothing comes before its cause, and nothing after the end.
    order = (
        requests.sent_s,
        requests.arrived_cloud_s,
        requests.service_start_s,
        requests.service_end_s,
    )
    for earlier, later in itertools.pairwise(order):
        assert (earlier <= later).all()
    assert (requests.received_s >= requests.sent_s).all()
    finite = requests.reply_s[np.isfinite(requests.reply_s)]
    assert (finite <= result.simulated_s).all()
    gaps = np.diff(interactions.decision_s, axis=1) - world.sessions.think_s
    assert (gaps >= -1e-9).all()
    assert (interactions.shown_s >= interactions.decision_s).all()
    # Replicas do not work more than they can.
    served = np.isfinite(requests.service_start_s)
    end_s = np.minimum(requests.service_end_s[served], result.simulated_s)
    busy_s = ((end_s - requests.service_start_s[served]) / requests.batch_size[served]).sum()
    assert busy_s <= replicas * result.simulated_s + 1e-6
    # A device that waits no longer than its patience.
    delivered = np.isin(requests.outcome, (Outcome.DELIVERED, Outcome.SUPERSEDED))
    response_s = (requests.received_s - requests.sent_s)[delivered]
    assert (response_s <= timeout_s + 1e-9).all()
    # Every list shown was asked for by its device, and delivered.
    asked = set(zip(requests.device[delivered], requests.step[delivered], strict=True))
    device, step = np.nonzero(interactions.shown_row < 6)
    shown = interactions.shown_row[device, step]
    assert set(zip(device, shown, strict=True)) <= asked
    assert (shown <= step).all()
    if mode == "stale":
        assert (shown < step).all()


def test_another_seed_is_another_world_and_the_same_seed_is_the_same():
    first, again = (simulate(make_world(policy=Always(), seed=1)) for _ in range(2))
    other = simulate(make_world(policy=Always(), seed=2))
    np.testing.assert_array_equal(first.interactions.shown_s, again.interactions.shown_s)
    np.testing.assert_array_equal(first.requests.reply_s, again.requests.reply_s)
    assert not np.array_equal(first.interactions.shown_s, other.interactions.shown_s)


def test_another_device_changes_no_draw_of_the_others():
    # A cloud without limits: the devices meet nowhere, so only draws could connect them.
    def requests(devices):
        cloud = CloudSettings(
            replicas=10_000,
            batching=StaticBatching(size=1, wait_s=0.0),
            service_time=FixedServiceTime(seconds=0.5),
        )
        world = make_world(devices=devices, policy=Consistency(threshold=0.5), cloud=cloud)
        return simulate(world)

    few, more = requests(20), requests(21)
    np.testing.assert_array_equal(few.interactions.decision_s, more.interactions.decision_s[:20])
    theirs = more.requests.device < 20
    np.testing.assert_array_equal(few.requests.sent_s, more.requests.sent_s[theirs])
    np.testing.assert_array_equal(
        few.requests.arrived_cloud_s, more.requests.arrived_cloud_s[theirs]
    )


def test_no_wait_is_longer_than_the_timeout():
    def latest_end_s(deadline_s):
        serving = ServingSettings(mode="wait", deadline_s=deadline_s, timeout_s=15.0)
        return one_device(policy=Always(), serving=serving).latest_end_s

    assert latest_end_s(1e7) == latest_end_s(15.0) == 30.0 + 4 * 15.0
    assert latest_end_s(5.0) == 30.0 + 4 * 5.0
