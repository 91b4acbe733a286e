"""Outages, crashes and slow replicas of the cloud."""

import itertools
import math

import pytest
from cloud_by_hand import CloudByHand
from pydantic import ValidationError

from sim.client.request import NEVER_S, Answer
from sim.cloud.records import Change, End
from sim.faults.crashes import RandomCrashes
from sim.faults.settings import FaultSettings


def outage(behaviour="refuse", work="lost", start_s=5.0, duration_s=10.0):
    return {"start_s": start_s, "duration_s": duration_s, "behaviour": behaviour, "work": work}


def during_outage(**settings):
    # Device 0 is worked on when the outage begins and device 1 waits; 2 arrives with its beginning,
    # 3 during it, and 4 with its end.
    return CloudByHand([4.0, 4.5, 5.0, 9.0, 15.0], faults={"outages": (outage(**settings),)})


def crashed(arrivals_s, *, work="retried", at_s=1.0, down_s=4.0, replica=0, **values):
    crash = {"at_s": at_s, "replica": replica, "down_s": down_s, "work": work}
    return CloudByHand(arrivals_s, faults={"crashes": (crash,)}, **values)


def test_an_outage_that_refuses_answers_with_failures_at_once():
    cloud = during_outage()
    assert cloud.column("answer") == [Answer.FAILURE] * 4 + [Answer.LIST]
    assert cloud.column("answered_s") == [5.0, 5.0, 5.0, 9.0, 18.0]
    # What was worked on has been worked on until then; what waited never was.
    assert cloud.starts == [4.0, NEVER_S, NEVER_S, NEVER_S, 15.0]
    assert cloud.ends == [5.0, NEVER_S, NEVER_S, NEVER_S, 18.0]
    records = cloud.records()
    assert records.busy_s.tolist() == [4.0]
    assert (records.ends[End.FAILED], records.ends[End.SERVED], records.unfinished) == (4, 1, 0)
    assert records.changes == (
        Change(0.0, 1, 1, False),
        Change(5.0, 1, 1, True),
        Change(15.0, 1, 1, False),
    )


def test_a_silent_outage_says_nothing():
    cloud = during_outage(behaviour="silent")
    assert cloud.column("answer") == [Answer.NOTHING] * 4 + [Answer.LIST]
    assert [attempt.device for attempt in cloud.answers] == [4]
    assert cloud.records().ends[End.VANISHED] == 4


@pytest.mark.parametrize("behaviour", ["refuse", "silent"])
def test_an_outage_of_the_way_in_lets_accepted_work_end(behaviour):
    cloud = during_outage(behaviour=behaviour, work="kept")
    assert cloud.starts == [4.0, 7.0, NEVER_S, NEVER_S, 15.0]
    ends = cloud.records().ends
    assert ends[End.SERVED] == 3
    assert ends[End.FAILED if behaviour == "refuse" else End.VANISHED] == 2


def test_one_outage_can_follow_another_at_once():
    outages = (outage("silent", start_s=10.0, duration_s=5.0), outage(start_s=5.0, duration_s=5.0))
    cloud = CloudByHand([6.0, 10.0, 14.9, 15.0], faults={"outages": outages})
    answers = [Answer.FAILURE, Answer.NOTHING, Answer.NOTHING, Answer.LIST]
    assert cloud.column("answer") == answers


def test_an_outage_may_never_end():
    cloud = CloudByHand([1.0, 900.0], faults={"outages": (outage(duration_s=math.inf),)})
    assert cloud.column("answer") == [Answer.LIST, Answer.FAILURE]


def test_work_of_a_crashed_replica_goes_back_to_the_head_of_the_queue():
    # The batch of devices 0 and 1 ends at 1 s and begins anew at 5 s, before device 2.
    cloud = crashed([0.0, 0.0, 0.5], size=2)
    assert cloud.starts == [5.0, 5.0, 8.0]
    assert cloud.column("answer") == [Answer.LIST] * 3
    records = cloud.records()
    assert records.busy_s.tolist() == [1.0 + 3.0 + 3.0]
    assert records.failed_s.tolist() == [4.0]
    assert records.on_s.tolist() == [100.0]


def test_work_of_a_crashed_replica_can_be_lost():
    cloud = crashed([0.0, 0.0, 0.5], size=2, work="lost")
    assert cloud.column("answer") == [Answer.FAILURE, Answer.FAILURE, Answer.LIST]
    assert cloud.column("answered_s") == [1.0, 1.0, 8.0]
    assert cloud.ends == [1.0, 1.0, 8.0]


def test_another_replica_takes_over_from_a_shared_queue():
    cloud = crashed([0.0, 0.0, 0.5], replicas=2)
    assert cloud.starts == [3.0, 0.0, 5.0]


def test_a_queue_of_its_own_waits_for_its_replica():
    cloud = crashed([0.0, 0.0, 0.5], replicas=2, routing="round_robin")
    assert cloud.starts == [5.0, 0.0, 8.0]


def test_a_full_queue_takes_back_what_it_has_given():
    cloud = crashed([0.0, 0.5, 0.6], queue_limit=1)
    assert cloud.column("answer") == [Answer.LIST, Answer.LIST, Answer.REJECTION]
    assert cloud.starts == [5.0, 8.0, NEVER_S]


def test_work_that_ends_with_the_crash_is_finished():
    cloud = crashed([0.0, 3.0], at_s=3.0)
    assert cloud.column("answer") == [Answer.LIST, Answer.FAILURE]


def test_a_replica_that_never_comes_back_leaves_its_queue_waiting():
    cloud = crashed([0.0, 0.5], down_s=math.inf)
    assert cloud.column("answer") == [Answer.NOTHING] * 2
    records = cloud.records(10.0)
    assert (records.unfinished, records.failed_s.tolist()) == (2, [9.0])


def test_a_replica_that_is_down_cannot_crash():
    crashes = ({"at_s": 1.0, "down_s": 4.0}, {"at_s": 2.0, "down_s": 10.0})
    assert CloudByHand([0.0], faults={"crashes": crashes}).starts == [5.0]


def test_a_stopping_replica_that_crashes_is_switched_off():
    scaling = {
        "kind": "reactive",
        "maximum": 2,
        "every_s": 2.0,
        "queue_per_replica": {"up": 9.0, "down": 1.0},
        "cooldown_s": 0.0,
    }
    # Replica 1 is told to stop at 2 s and crashes at 2.5 s in the middle of its work.
    cloud = crashed([0.0, 0.0], at_s=2.5, replica=1, replicas=2, autoscaling=scaling)
    assert cloud.starts == [0.0, 3.0]
    assert cloud.records().on_s.tolist() == [100.0, 2.5]
    # With a queue of its own it comes back to serve that, and stops then.
    cloud = crashed(
        [0.0, 0.0], at_s=2.5, replica=1, replicas=2, autoscaling=scaling, routing="round_robin"
    )
    assert cloud.starts == [0.0, 6.5]
    assert cloud.records().on_s.tolist() == [100.0, 9.5]


def test_a_slow_replica_slows_in_the_middle_of_its_work():
    slow = {"start_s": 1.0, "duration_s": 2.0, "replica": 0, "factor": 2.0}
    cloud = CloudByHand([0.0, 0.0], replicas=2, faults={"slow_replicas": (slow,)})
    assert cloud.ends == [4.0, 3.0]
    assert cloud.records().busy_s.tolist() == [4.0, 3.0]


def test_chance_crashes_are_draws_that_no_other_replica_changes():
    def crashes(replicas, seed=5):
        settings = RandomCrashes(mean_time_between_s=100.0, mean_down_s=25.0)
        within = itertools.takewhile(
            lambda crash: crash.at_s < 5000, settings.crashes(seed, replicas)
        )
        return [(crash.at_s, crash.replica, crash.down_s) for crash in within]

    few, more = crashes(2), crashes(3)
    assert few == sorted(few)
    assert few == [crash for crash in more if crash[1] < 2]
    assert few != crashes(2, seed=6)


def test_a_replica_is_up_for_its_share_of_the_time():
    faults = {"random_crashes": {"mean_time_between_s": 30.0, "mean_down_s": 10.0}}
    cloud = CloudByHand([], replicas=10, faults=faults, until_s=1e5)
    records = cloud.records(1e5)
    # 10 replicas with some 2500 cycles each: the share has a standard deviation below 0.0015.
    assert records.failed_s.sum() / records.on_s.sum() == pytest.approx(0.25, abs=0.005)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"outages": (outage(start_s=0.0), outage(start_s=9.0))},
            "overlap: one lasts from 0 to 10 s, another starts at 9 s",
        ),
        ({"slow_replicas": ({"start_s": 0.0, "duration_s": 1.0, "factor": 0.5},)}, "greater than"),
    ],
)
def test_impossible_faults_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        FaultSettings.model_validate(values)


def test_a_fault_must_name_a_replica_that_there_is():
    faults = FaultSettings.model_validate({"crashes": ({"at_s": 1.0, "replica": 7},)})
    assert faults.unknown_replica(2) == ("crashes", "names replica 7; the cloud has 0 to 1")
    assert faults.unknown_replica(1) == ("crashes", "names replica 7; the cloud has only 0")
    assert faults.unknown_replica(8) is None


def test_crashes_that_would_never_end_are_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        RandomCrashes(mean_time_between_s=1e-9)
