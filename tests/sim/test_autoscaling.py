"""When replicas are started and stopped, and what that costs."""

import math

import pytest
from cloud_by_hand import CloudByHand
from pydantic import ValidationError

from sim.client.request import Answer
from sim.cloud.autoscaling import ScalingView
from sim.cloud.autoscaling.none import NoAutoscaling
from sim.cloud.autoscaling.reactive import Reactive, Thresholds
from sim.cloud.records import Change
from sim.cloud.settings import CloudSettings


def view(
    waiting=0,
    available=2,
    switched_on=None,
    busy_s=0.0,
    serving_s=20.0,
    unchanged_s=1e9,
    down=0,
):
    on = available if switched_on is None else switched_on
    return ScalingView(available, on, waiting, busy_s, serving_s, unchanged_s, down)


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


def test_more_replicas_than_the_maximum_are_refused():
    cloud = {"replicas": 6, "autoscaling": {"kind": "reactive", "maximum": 4}}
    with pytest.raises(ValidationError, match=r"is 6; must be at most autoscaling\.maximum, 4"):
        CloudSettings.model_validate(cloud)
    assert CloudSettings.model_validate({**cloud, "replicas": 4}).most_replicas(1) == 4


def scaled(arrivals_s, *, up=2.0, down=1.0, start_up_s=15.0, cooldown_s=0.0, **values):
    scaling = Reactive(
        maximum=2,
        every_s=10.0,
        queue_per_replica=Thresholds(up=up, down=down),
        start_up_s=start_up_s,
        cooldown_s=cooldown_s,
    )
    return CloudByHand(arrivals_s, autoscaling=scaling, **values)


def test_a_replica_starts_after_its_start_up_time_and_finishes_its_work():
    cloud = scaled([0.0] * 5, seconds=10.0)
    # At 10 s three wait for one replica: another is started and serves from 25 s on. At 30 s nobody
    # waits: it is told to stop and does so at 35 s, when its work is done.
    assert cloud.starts == [0.0, 10.0, 20.0, 25.0, 30.0]
    records = cloud.records(100.0)
    assert records.changes == (
        Change(0.0, 1, 1, False),
        Change(10.0, 2, 1, False),
        Change(25.0, 2, 2, False),
        Change(30.0, 2, 1, False),
        Change(35.0, 1, 1, False),
    )
    assert records.on_s.tolist() == [100.0, 25.0]
    assert records.starting_s.tolist() == [0.0, 15.0]
    assert records.busy_s.tolist() == [40.0, 10.0]
    assert records.accelerator_hours == 125.0 / 3600.0
    assert records.replicas_max == 2
    assert records.energy_j(busy_w=100.0, idle_w=10.0) == 50 * 100.0 + 75 * 10.0


def test_what_comes_after_the_end_of_the_simulation_does_not_count():
    records = scaled([0.0] * 5, seconds=10.0).records(20.0)
    assert records.on_s.tolist() == [20.0, 10.0]
    assert records.starting_s.tolist() == [0.0, 10.0]
    assert records.busy_s.tolist() == [20.0, 0.0]
    assert len(records.changes) == 2


def test_a_start_that_is_not_needed_any_more_is_called_off():
    cloud = scaled([0.0] * 5, seconds=4.0, up=1.5, start_up_s=100.0)
    # At 10 s two wait, at 20 s nobody does.
    assert cloud.starts == [0.0, 4.0, 8.0, 12.0, 16.0]
    assert cloud.records(1000.0).on_s.tolist() == [1000.0, 10.0]


def test_the_cooldown_keeps_a_replica_on():
    cloud = scaled([0.0] * 5, seconds=10.0, cooldown_s=40.0)
    assert cloud.records(100.0).on_s.tolist() == [100.0, 40.0]


def test_a_stopping_replica_serves_its_own_queue_and_gets_nothing_new():
    # Replica 1 has devices 1, 3, 5. At 10 s one waits in each queue and it is told to stop.
    cloud = scaled(
        [0.0] * 6 + [11.0], seconds=6.0, up=9.0, down=1.5, replicas=2, routing="round_robin"
    )
    assert cloud.starts == [0.0, 0.0, 6.0, 6.0, 12.0, 12.0, 18.0]
    records = cloud.records(100.0)
    assert records.on_s.tolist() == [100.0, 18.0]
    assert records.busy_s.tolist() == [24.0, 18.0]


def test_utilisation_is_measured_between_decisions():
    scaling = Reactive(
        maximum=2,
        every_s=10.0,
        utilisation=Thresholds(up=0.5, down=0.2),
        start_up_s=0.0,
        cooldown_s=0.0,
    )
    # Busy from 2 to 8 s (0.6: start one), then from 12 to 18 s on one of two (0.3: nothing), then
    # never (stop one).
    cloud = CloudByHand([2.0, 12.0], seconds=6.0, autoscaling=scaling)
    times = [(change.time_s, change.on) for change in cloud.records().changes]
    assert times == [(0.0, 1), (10.0, 2), (30.0, 1)]


def test_the_minimum_is_kept_whatever_the_load_and_the_cooldown():
    few = by_queue(minimum=2, cooldown_s=30.0)
    one_down = view(available=1, switched_on=2, down=1, unchanged_s=1.0)
    assert few.change(one_down) == 1
    assert few.change(view(available=1, switched_on=3, down=1, unchanged_s=1.0)) == 1
    # Two that stop and one that serves leave no place.
    assert few.change(view(available=1, switched_on=3, down=0, unchanged_s=1.0)) == 0


ONE_AT_LEAST = {
    "kind": "reactive",
    "minimum": 1,
    "maximum": 4,
    "every_s": 10.0,
    "start_up_s": 5.0,
    "cooldown_s": 60.0,
}


def crashing(*crashes, arrivals_s, **scaling):
    return CloudByHand(
        arrivals_s,
        seconds=1.0,
        autoscaling={**ONE_AT_LEAST, **scaling},
        faults={"crashes": tuple({"down_s": math.inf, **each} for each in crashes)},
        until_s=60.0,
    )


@pytest.mark.parametrize("routing", ["shared", "round_robin"])
@pytest.mark.parametrize("down_s", [500.0, math.inf])
def test_a_replica_that_is_down_is_replaced(down_s, routing):
    served = CloudByHand(
        [5.0, 14.0, 15.0],
        seconds=1.0,
        routing=routing,
        autoscaling=ONE_AT_LEAST,
        faults={"crashes": ({"at_s": 3.0, "down_s": down_s},)},
        until_s=60.0,
    )
    # It crashes at 3, a decision is taken at 10, and the next replica serves from 15 on.
    assert served.column("answer") == [Answer.FAILURE, Answer.FAILURE, Answer.LIST]


def test_replicas_that_are_down_for_ever_take_up_no_place():
    served = crashing(
        {"at_s": 3.0, "replica": 0},
        {"at_s": 16.0, "replica": 1},
        arrivals_s=[14.0, 15.0, 26.0],
        maximum=2,
    )
    # 10 + 5: replica 1. 20 + 5: another machine as replica 0.
    assert served.column("answer") == [Answer.FAILURE, Answer.LIST, Answer.LIST]
    full = crashing({"at_s": 0.5}, arrivals_s=[0.0] * 40, maximum=1)
    assert full.starts[:2] == [15.0, 16.0]


def test_a_repair_that_comes_before_a_start_up_is_awaited():
    served = crashing({"at_s": 9.0, "down_s": 4.0}, arrivals_s=[14.0, 16.0], maximum=1)
    assert served.column("answer") == [Answer.LIST, Answer.LIST]
    assert served.records().starting_s.sum() == 0.0


def test_decisions_that_would_never_end_are_refused():
    with pytest.raises(ValidationError, match=r"greater than or equal to 0\.1"):
        Reactive(every_s=0.01)
