"""When a device stops asking a cloud that does not answer."""

import numpy as np
import pytest
from client_by_hand import one_client, outage
from pydantic import ValidationError

from sim.client.request import Outcome
from sim.client.settings import CircuitBreakerSettings
from sim.engine import simulate
from sim.policies.always import Always
from sim.policies.periodic import Periodic

REFUSED_UNTIL_100_S = outage(0, 100)


def asked(world):
    """Simulate; return the steps that asked, and those that were held back."""
    records = simulate(world).interactions
    assert not (records.requested & records.held_back).any()
    assert not (records.suppressed & records.held_back).any()
    return np.flatnonzero(records.requested[0]), np.flatnonzero(records.held_back[0])


def breaking(failures, open_s, **parts):
    """One device that decides every 10 s; what it asks before 100 s fails at once."""
    breaker = {"failures": failures, "open_s": open_s}
    parts = {
        "policy": Always(),
        "steps": 12,
        "serving": {"circuit_breaker": breaker, **parts.pop("serving", {})},
        "faults": REFUSED_UNTIL_100_S,
        **parts,
    }
    return one_client(**parts)


def test_it_opens_after_failures_in_a_row_and_lets_one_request_through_now_and_then():
    # Failed at 0 and 10: open until 35. Failed at 40: open until 65. Failed at 70: until 95.
    requested, held_back = asked(breaking(2, 25.0))
    np.testing.assert_array_equal(requested, [0, 1, 4, 7, 10, 11])
    np.testing.assert_array_equal(held_back, [2, 3, 5, 6, 8, 9])


def test_it_lets_a_decision_through_at_the_very_end():
    requested, held_back = asked(breaking(2, 30.0))
    np.testing.assert_array_equal(requested, [0, 1, 4, 7, 10, 11])
    np.testing.assert_array_equal(held_back, [2, 3, 5, 6, 8, 9])


def test_without_failures_in_a_row_it_never_opens():
    requested, held_back = asked(breaking(None, 30.0))
    np.testing.assert_array_equal(requested, np.arange(12))
    assert not len(held_back)


def test_a_list_closes_it_and_the_row_begins_anew():
    # Lists from 35 to 65; failures at 0, 10, 20, and again from 70 on.
    faults = {
        "outages": (
            {"start_s": 0.0, "duration_s": 35.0},
            {"start_s": 65.0, "duration_s": 1000.0},
        )
    }
    world = breaking(4, 15.0, faults=faults)
    requested, held_back = asked(world)
    # 0, 10, 20, 30 fail: open until 45. 50 is its trial; 60 is answered. 70, 80, 90, 100 fail.
    np.testing.assert_array_equal(requested, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10])
    np.testing.assert_array_equal(held_back, [4, 11])


def test_only_steps_at_which_the_policy_asks_are_held_back():
    # Steps 1, 3, 5, ... ask. Failed at 10 and 30: open until 75; 50 and 70 are held back. Failed at
    # 90: open to the end.
    requested, held_back = asked(breaking(2, 45.0, policy=Periodic(every=2)))
    np.testing.assert_array_equal(requested, [1, 3, 9])
    np.testing.assert_array_equal(held_back, [5, 7, 11])


def test_timeouts_count_from_their_end():
    # Asked at 0, 10 and so on; silent: each times out after 4 s. Open from 14 to 44.
    world = breaking(2, 30.0, faults=outage(0, 100, "silent"), serving={"timeout_s": 4.0})
    requested, held_back = asked(world)
    np.testing.assert_array_equal(requested, [0, 1, 5, 9])
    np.testing.assert_array_equal(held_back, [2, 3, 4, 6, 7, 8, 10, 11])


def test_all_attempts_of_a_request_are_one_failure():
    retry = {"attempts": 3, "backoff_s": 1.0, "jitter": "none"}
    requests = simulate(breaking(2, 25.0, serving={"retry": retry})).requests
    # Lost at 3 and 13: open until 38.
    np.testing.assert_array_equal(requests.step[:3], [0, 1, 4])
    np.testing.assert_array_equal(requests.attempts[:3], [3, 3, 3])


def test_it_stays_open_to_the_end_of_the_session():
    world = breaking(1, 1000.0)
    requested, held_back = asked(world)
    np.testing.assert_array_equal(requested, [0])
    np.testing.assert_array_equal(held_back, np.arange(1, 12))
    assert list(simulate(world).requests.outcome) == [Outcome.LOST]


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"open_s": -1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        CircuitBreakerSettings.model_validate(wrong)
