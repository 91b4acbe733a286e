"""When replicas are started and stopped, and what that costs."""

import math

import pytest
from pydantic import ValidationError

from sim.cloud.autoscaling import ScalingView
from sim.cloud.autoscaling.none import NoAutoscaling
from sim.cloud.autoscaling.reactive import Reactive, Thresholds


def view(waiting=0, available=2, switched_on=None, busy_s=0.0, serving_s=20.0, unchanged_s=1e9):
    on = available if switched_on is None else switched_on
    return ScalingView(available, on, waiting, busy_s, serving_s, unchanged_s)


def by_queue(**settings):
    thresholds = Thresholds(up=4.0, down=1.0)
    return Reactive(queue_per_replica=thresholds, maximum=3, **settings)


def by_utilisation(**settings):
    return Reactive(utilisation=Thresholds(up=0.8, down=0.3), maximum=3, **settings)


def test_a_long_queue_starts_a_replica_and_a_short_one_stops_it():
    assert by_queue().change(view(waiting=9)) == 1
    assert by_queue().change(view(waiting=8)) == 0
    assert by_queue().change(view(waiting=2)) == 0
    assert by_queue().change(view(waiting=1)) == -1


def test_it_stays_between_its_bounds():
    assert by_queue().change(view(waiting=99, available=3)) == 0
    assert by_queue().change(view(waiting=99, available=1, switched_on=3)) == 0
    assert by_queue(minimum=2).change(view(waiting=0)) == 0
    assert by_queue(minimum=2).first(1) == 2
    assert by_queue().first(9) == 3
    assert by_queue().most(9) == 3


def test_nothing_changes_during_the_cooldown():
    scaling = by_queue(cooldown_s=30.0)
    assert scaling.change(view(waiting=9, unchanged_s=29.9)) == 0
    assert scaling.change(view(waiting=9, unchanged_s=30.0)) == 1


def test_utilisation_is_busy_time_over_serving_time():
    scaling = by_utilisation()
    assert scaling.change(view(waiting=99, busy_s=16.0)) == 0
    assert scaling.change(view(busy_s=16.1)) == 1
    assert scaling.change(view(busy_s=5.9)) == -1
    # Nobody could serve: whoever waits is a reason to start another, and nobody is none to stop.
    assert scaling.change(view(waiting=1, serving_s=0.0)) == 1


def test_without_autoscaling_nothing_changes():
    assert NoAutoscaling().change(view(waiting=999)) == 0
    assert NoAutoscaling().first(7) == NoAutoscaling().most(7) == 7
    assert math.isinf(NoAutoscaling().period_s)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"minimum": 3, "maximum": 2}, "is 3; must be at most maximum, 2"),
        ({"utilisation": {"up": 1.0, "down": 0.1}}, "is 1; must be below 1"),
        ({"queue_per_replica": {"up": 2.0, "down": 2.0}}, "is 2; must be below up, 2"),
        (
            {
                "queue_per_replica": {"up": 2.0, "down": 1.0},
                "utilisation": {"up": 0.5, "down": 0.1},
            },
            "give only one of queue_per_replica and utilisation",
        ),
    ],
)
def test_impossible_settings_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        Reactive.model_validate({"kind": "reactive", **values})
