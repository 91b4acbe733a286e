"""The order of events."""

import pytest

from sim.clock import DECISION, DELIVERY, RETRAINING, SETTLEMENT, TIMEOUT, Clock


def test_events_happen_at_exactly_their_times():
    clock = Clock()
    seen = []
    for time_s in (0.1 + 0.2, 0.3, 1 / 3):
        clock.at(time_s).callbacks.append(lambda _: seen.append(clock.now))
    clock.run()
    assert seen == sorted([0.1 + 0.2, 0.3, 1 / 3])


def test_at_one_time_replies_precede_timeouts_retraining_decisions_and_settlement():
    clock = Clock()
    seen = []
    for priority in (SETTLEMENT, DECISION + 1, DECISION, RETRAINING, TIMEOUT, DELIVERY):
        event = clock.at(5.0, priority, value=priority)
        event.callbacks.append(lambda event: seen.append(event.value))
    clock.run()
    assert seen == [DELIVERY, TIMEOUT, RETRAINING, DECISION, DECISION + 1, SETTLEMENT]


def test_the_past_is_refused():
    clock = Clock(10.0)
    with pytest.raises(ValueError, match="before the present"):
        clock.at(9.0)
