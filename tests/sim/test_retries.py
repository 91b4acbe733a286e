"""When a device sends a request again, and how a request with several attempts ends."""

import numpy as np
import pytest
from client_by_hand import ASKED_S, one_client, one_request, outage, the_request
from one_device import IDEAL, INSTANT
from pydantic import ValidationError
from random_world import make_world

from sim.client.backoff import Backoff
from sim.client.request import Answer, Outcome
from sim.client.settings import RetrySettings, ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.engine import simulate
from sim.network.preset import PresetNetwork
from sim.policies.always import Always
from sim.policies.periodic import Periodic
from workloads import draws


def test_an_attempt_that_takes_too_long_is_followed_by_another():
    # Attempt 0 is served from 50 to 54 and given up at 52. Attempt 1 is sent at 53 and served from
    # 54 on, but the first one's list, which comes at 54, ends the request.
    retry = {"attempts": 3, "attempt_timeout_s": 2.0, "backoff_s": 1.0, "jitter": "none"}
    request = the_request(one_request(serving={"retry": retry}, service_s=4.0))
    assert request["outcome"] == Outcome.DELIVERED
    assert request["answer"] == Answer.LIST
    assert request["attempts"] == 2
    assert request["retry_wait_s"] == 1.0
    assert request["received_s"] == ASKED_S + 4
    assert (request["service_start_s"], request["service_end_s"]) == (50, 54)
    # Both travelled: step 1 and the interaction that the preloaded list lacks, and two lists.
    assert request["bytes_up"] == 2 * (300 + 2 * 4)
    assert request["bytes_down"] == 2 * (300 + 50 * 8)


def test_a_late_list_spares_the_retry():
    retry = {"attempts": 3, "attempt_timeout_s": 2.0, "backoff_s": 1.0, "jitter": "none"}
    # It comes at 53, when the device is about to send again.
    request = the_request(one_request(serving={"retry": retry}, service_s=3.0))
    assert request["outcome"] == Outcome.DELIVERED
    assert request["attempts"] == 1
    assert request["retry_wait_s"] == 0


def test_an_abandoned_attempt_stays_in_the_cloud_and_is_served():
    # Asked at 5, 15 and 25, each time again after 2 s, and lost after 4 s. All are served one after
    # the other from 5, 11, 17, 23 and 29 on; the records tell of each request's second attempt.
    serving = {"retry": {"attempts": 2, "attempt_timeout_s": 2.0, "backoff_s": 0.0}}
    requests = simulate(
        one_client(policy=Periodic(every=2), steps=7, think_s=5.0, serving=serving, service_s=6.0)
    ).requests
    np.testing.assert_array_equal(requests.outcome, [Outcome.LOST] * 3)
    np.testing.assert_array_equal(requests.sent_s, [5, 15, 25])
    np.testing.assert_array_equal(requests.arrived_cloud_s, [7, 17, 27])
    np.testing.assert_array_equal(requests.service_start_s, [11, 23, np.inf])


def test_waits_double_up_to_their_bound():
    # Attempts at 50, 51, 53 and 56, all refused.
    retry = {"attempts": 4, "backoff_s": 1.0, "backoff_cap_s": 3.0, "jitter": "none"}
    serving = {"retry": retry}
    request = the_request(one_request(serving=serving, faults=outage(0, 90)))
    assert request["outcome"] == Outcome.LOST
    assert request["answer"] == Answer.FAILURE
    assert request["attempts"] == 4
    assert request["retry_wait_s"] == 1 + 2 + 3
    assert request["reply_s"] == 56
    assert request["bytes_down"] == 4 * 300
    assert np.isinf(request["received_s"])
    # The last of them finds the cloud back.
    request = the_request(one_request(serving=serving, faults=outage(0, 56)))
    assert request["outcome"] == Outcome.DELIVERED
    assert request["received_s"] == 56


def test_a_silent_outage_ends_by_timeouts():
    faults = outage(0, 90, "silent")
    retry = {"attempts": 3, "attempt_timeout_s": 2.0, "backoff_s": 1.0, "jitter": "none"}
    # 50 to 52, 53 to 55, 57 to 59.
    request = the_request(one_request(serving={"retry": retry}, faults=faults))
    assert request["outcome"] == Outcome.LOST
    assert request["answer"] == Answer.NOTHING
    assert request["attempts"] == 3
    assert request["retry_wait_s"] == 1 + 2
    assert request["bytes_down"] == 0
    # Without a time-out of attempts, that of the request is all there is.
    request = the_request(one_request(serving={"retry": {"attempts": 3}}, faults=faults))
    assert request["outcome"] == Outcome.TIMED_OUT
    assert request["attempts"] == 1


def decided_anew(**parts):
    """Return when a device that decides every second may ask for the second time."""
    parts = {"policy": Always(), "think_s": 1.0, "steps": 12, **parts}
    records = simulate(one_client(**parts)).interactions
    return records.decision_s[0, np.flatnonzero(records.requested[0])[1]]


def test_the_timeout_of_the_request_ends_it_whatever_its_attempts_do():
    # Attempts at 0 and 2; the next would be sent at 6.
    retry = {"attempts": 9, "backoff_s": 2.0, "jitter": "none"}
    serving = {"retry": retry, "timeout_s": 5.0}
    assert decided_anew(serving=serving, faults=outage(0, 90)) == 5.0
    world = one_request(serving=serving, faults=outage(0, 90))
    request = the_request(world)
    assert request["outcome"] == Outcome.TIMED_OUT
    assert request["attempts"] == 2
    # An attempt at the very timeout would be too late, too: 0, 1 and 3 are there, 7 is not.
    retry = {"attempts": 9, "backoff_s": 1.0, "jitter": "none"}
    request = the_request(
        one_request(serving={"retry": retry, "timeout_s": 7.0}, faults=outage(0, 90))
    )
    assert request["outcome"] == Outcome.TIMED_OUT
    assert request["attempts"] == 3


def test_a_request_without_attempts_left_ends_at_once():
    retry = {"attempts": 2, "attempt_timeout_s": 1.5, "backoff_s": 0.0}
    assert decided_anew(serving={"retry": retry}, faults=outage(0, 90, "silent")) == 3.0


def test_an_attempt_may_not_outlive_its_request():
    retry = {"attempts": 1, "attempt_timeout_s": 5.0}
    faults = outage(0, 90, "silent")
    request = the_request(one_request(serving={"retry": retry, "timeout_s": 5.0}, faults=faults))
    assert request["outcome"] == Outcome.TIMED_OUT
    request = the_request(one_request(serving={"retry": retry, "timeout_s": 5.1}, faults=faults))
    assert request["outcome"] == Outcome.LOST


def test_one_attempt_that_fails_is_a_lost_request():
    request = the_request(one_request(serving={}, faults=outage(0, 90)))
    assert request["outcome"] == Outcome.LOST
    assert request["attempts"] == 1


def test_a_reply_on_its_way_is_not_known_yet():
    # Refused at 51; the device learns of it at 52, but gave up at 51.5.
    network = PresetNetwork.model_validate(
        {"down_bps": float("inf"), "up_bps": float("inf"), "rtt_s": 2.0}
    )
    retry = {"attempts": 2, "attempt_timeout_s": 1.5, "backoff_s": 0.25, "jitter": "none"}
    world = one_request(serving={"retry": retry}, faults=outage(0, 90), network=network)
    request = the_request(world)
    # The reply to attempt 0 finds attempt 1, sent at 51.75, and changes nothing.
    assert request["outcome"] == Outcome.LOST
    assert request["attempts"] == 2
    assert request["retry_wait_s"] == 0.25
    assert request["bytes_down"] == 2 * 300


def three_at_once(**retry):
    """Three devices that ask at 5 s; there is room for one in service and one in the queue."""
    return make_world(
        devices=3,
        users=3,
        steps=3,
        policy=Periodic(every=2),
        start_spread_s=0.0,
        think_s=np.full((3, 2), 5.0) * [[1, 10]],
        network=IDEAL,
        hardware=INSTANT,
        serving=ServingSettings(retry=RetrySettings(**retry), timeout_s=100.0),
        cloud=CloudSettings(
            queue_limit=1,
            batching=StaticBatching(size=1, wait_s=0.0),
            service_time=FixedServiceTime(seconds=4.0),
        ),
    )


def test_a_rejected_attempt_is_sent_again():
    # Device 2 is turned away at 5, 7 and 11, but not there: device 1 is served from 9 on.
    requests = simulate(three_at_once(attempts=3, backoff_s=2.0, jitter="none")).requests
    np.testing.assert_array_equal(requests.outcome, [Outcome.DELIVERED] * 3)
    np.testing.assert_array_equal(requests.attempts, [1, 1, 3])
    np.testing.assert_array_equal(requests.received_s, [9, 13, 17])


def test_a_request_is_rejected_if_its_last_attempt_is():
    requests = simulate(three_at_once(attempts=2, backoff_s=2.0, jitter="none")).requests
    np.testing.assert_array_equal(requests.attempts, [1, 1, 2])
    assert requests.outcome[2] == Outcome.REJECTED
    assert requests.answer[2] == Answer.REJECTION
    assert requests.received_s[2] == 7
    # Here its last attempt waits for more than a second.
    retry = {"attempts": 2, "backoff_s": 5.0, "jitter": "none", "attempt_timeout_s": 1.0}
    requests = simulate(three_at_once(**retry)).requests
    assert requests.outcome[2] == Outcome.LOST


def test_jitter_is_a_share_of_the_longest_wait_drawn_for_device_and_step():
    world = one_request(
        serving={"retry": {"attempts": 4, "backoff_s": 1.0}}, faults=outage(0, 90), seed=3
    )
    share = [draws.uniform_one(3, f"backoff {failure}", 1, 0) for failure in range(3)]
    expected_s = share[0] + 2 * share[1] + 4 * share[2]
    assert the_request(world)["retry_wait_s"] == pytest.approx(expected_s, rel=1e-12)


def test_full_jitter_is_uniform_up_to_the_longest_wait():
    settings = RetrySettings(backoff_s=0.5, backoff_cap_s=6.0)
    backoff = Backoff(settings, seed=1, devices=4000)
    for failure, longest_s in enumerate([0.5, 1, 2, 4, 6, 6]):
        assert settings.longest_wait_s(failure) == longest_s
        waits_s = np.array([backoff.wait_s(failure, device, 5) for device in range(4000)])
        assert 0 < waits_s.min() < waits_s.max() < longest_s
        # The mean of 4000 uniform numbers has the standard deviation 1 / sqrt(12 * 4000).
        assert waits_s.mean() / longest_s == pytest.approx(0.5, abs=4 / np.sqrt(12 * 4000))


def test_another_device_changes_no_wait():
    few, more = (Backoff(RetrySettings(), seed=1, devices=count) for count in (10, 11))
    assert few.wait_s(2, 9, 4) == more.wait_s(2, 9, 4)
    assert few.wait_s(2, 9, 4) != few.wait_s(2, 9, 5)


def test_a_waiting_device_shows_the_old_list_when_the_last_attempt_has_failed():
    # 50, 51, 53: lost at 53, before the deadline at 60.
    retry = {"attempts": 3, "backoff_s": 1.0, "jitter": "none"}
    serving = {"mode": "wait", "deadline_s": 10.0, "retry": retry}
    records = simulate(one_request(serving=serving, faults=outage(0, 90))).interactions
    assert records.shown_s[0, 1] == 53
    assert records.shown_row[0, 1] == 3  # the preloaded one


def test_retries_cost_energy():
    network = PresetNetwork.model_validate({"preset": "3g"})

    def energy_j(attempts):
        retry = {"attempts": attempts, "backoff_s": 10.0, "jitter": "none"}
        world = one_request(serving={"retry": retry}, faults=outage(0, 90), network=network)
        return simulate(world).energy_j["radio_transfer"]

    assert energy_j(2) > 1.5 * energy_j(1)


@pytest.mark.parametrize(
    "wrong",
    [{"attempts": 0}, {"attempts": 101}, {"attempt_timeout_s": 0.0}, {"backoff_s": -1.0}],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        RetrySettings.model_validate(wrong)
