"""What becomes of requests while the device has no network."""

import numpy as np
import pytest
from client_by_hand import ASKED_S, no_network, one_request, the_request

from sim.client.request import Outcome
from sim.engine import simulate

UPLOAD_BYTES = 300 + 2 * 4


@pytest.mark.parametrize("no_coverage", ["wait", "time_out", "fail"])
def test_with_coverage_it_does_not_matter(no_coverage):
    # The network goes as the request leaves the phone's hands, and was away before.
    request = the_request(
        one_request(serving={"no_coverage": no_coverage}, faults=no_network(40.0, ASKED_S))
    )
    assert request["outcome"] == Outcome.DELIVERED
    assert request["received_s"] == ASKED_S


def test_a_message_waits_for_coverage():
    request = the_request(one_request(serving={}, faults=no_network(45, 60)))
    assert request["outcome"] == Outcome.DELIVERED
    assert request["arrived_cloud_s"] == 60
    assert request["received_s"] == 60


def test_a_message_may_wait_beyond_the_patience():
    request = the_request(one_request(serving={"timeout_s": 9.0}, faults=no_network(45, 60)))
    assert request["outcome"] == Outcome.TIMED_OUT
    assert request["arrived_cloud_s"] == 60  # it is on its way all the same


def test_a_message_is_lost_and_the_device_learns_of_it_by_its_timeout():
    serving = {"no_coverage": "time_out", "timeout_s": 9.0}
    result = simulate(one_request(serving=serving, faults=no_network(45, 52)))
    assert result.requests.outcome[0] == Outcome.TIMED_OUT
    assert np.isinf(result.requests.arrived_cloud_s[0])
    assert result.requests.bytes_up[0] == UPLOAD_BYTES
    assert result.requests.bytes_down[0] == 0


def test_a_lost_message_is_sent_again():
    # Lost at 50 and 56, given up at 54 and 60, sent with coverage at 64.
    retry = {"attempts": 3, "attempt_timeout_s": 4.0, "backoff_s": 2.0, "jitter": "none"}
    serving = {"no_coverage": "time_out", "retry": retry}
    request = the_request(one_request(serving=serving, faults=no_network(45, 57)))
    assert request["outcome"] == Outcome.DELIVERED
    assert request["received_s"] == 64
    assert request["attempts"] == 3
    assert request["bytes_up"] == 3 * UPLOAD_BYTES


def test_nothing_is_sent_where_the_device_knows_that_there_is_no_network():
    request = the_request(one_request(serving={"no_coverage": "fail"}, faults=no_network(45, 60)))
    assert request["outcome"] == Outcome.LOST
    assert request["attempts"] == 1
    assert request["bytes_up"] == 0


def test_a_failed_message_is_sent_again():
    # 50, 54, 62: without waiting for any timeout.
    retry = {"attempts": 3, "attempt_timeout_s": 10.0, "backoff_s": 4.0, "jitter": "none"}
    serving = {"no_coverage": "fail", "retry": retry}
    request = the_request(one_request(serving=serving, faults=no_network(45, 60)))
    assert request["outcome"] == Outcome.DELIVERED
    assert request["received_s"] == 62
    assert request["retry_wait_s"] == 4 + 8
    assert request["bytes_up"] == UPLOAD_BYTES


def test_a_waiting_device_shows_the_old_list_at_once_where_there_is_no_network():
    serving = {"mode": "wait", "deadline_s": 10.0, "no_coverage": "fail"}
    records = simulate(one_request(serving=serving, faults=no_network(45, 60))).interactions
    assert records.shown_s[0, 1] == ASKED_S


@pytest.mark.parametrize("no_coverage", ["wait", "time_out", "fail"])
def test_replies_wait_for_coverage(no_coverage):
    # Sent with coverage, served by 53.
    serving = {"no_coverage": no_coverage}
    request = the_request(one_request(serving=serving, faults=no_network(51, 60), service_s=3.0))
    assert request["outcome"] == Outcome.DELIVERED
    assert request["received_s"] == 60
