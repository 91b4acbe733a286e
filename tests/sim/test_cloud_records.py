"""What the cloud leaves behind: by hand, and what must hold whatever it does and suffers."""

from collections import Counter

import numpy as np
import pytest
from cloud_by_hand import CloudByHand
from hypothesis import given, settings
from hypothesis import strategies as st
from random_clouds import FAULTS, clouds
from random_world import make_world

from sim.client.request import NEVER_S, Answer, Outcome
from sim.client.settings import RetrySettings, ServingSettings
from sim.cloud.records import Change, CloudLog, End, ReplicaState
from sim.cloud.settings import CloudSettings
from sim.engine import simulate
from sim.faults.settings import FaultSettings
from sim.policies.consistency import Consistency


def test_times_in_states_are_cut_at_the_end_of_the_simulation():
    log = CloudLog(2)
    log.change(0.0, 0, ReplicaState.SERVING)
    log.change(2.0, 1, ReplicaState.STARTING)
    log.change(5.0, 1, ReplicaState.SERVING)
    log.change(6.0, 0, ReplicaState.DOWN)
    log.change(8.0, 0, ReplicaState.SERVING)
    log.change(9.0, 1, ReplicaState.STOPPING)
    log.change(11.0, 1, ReplicaState.OFF)
    log.outage(5.0, begins=True)
    records = log.close(10.0, [[], []])
    assert records.on_s.tolist() == [10.0, 8.0]
    assert records.starting_s.tolist() == [0.0, 3.0]
    assert records.failed_s.tolist() == [2.0, 0.0]
    assert records.accelerator_hours == 18.0 / 3600.0
    assert records.changes == (
        Change(0.0, 1, 1, False),
        Change(2.0, 2, 1, False),
        Change(5.0, 2, 2, True),
        Change(6.0, 2, 1, True),
        Change(8.0, 2, 2, True),
        Change(9.0, 2, 1, True),
    )


def test_work_under_way_at_the_end_counts_until_then():
    cloud = CloudByHand([0.0, 1.0], seconds=4.0)
    records = cloud.records(6.0)
    assert records.busy_s.tolist() == [6.0]
    assert records.ends[End.SERVED] == 1
    assert (records.arrived, records.unfinished) == (2, 1)
    assert records.energy_j(busy_w=300.0, idle_w=60.0) == 1800.0
    load = records.load
    assert (load.arrived_s.tolist(), load.ended_s["served"].tolist()) == ([0.0, 1.0], [4.0])
    assert (load.work_start_s.tolist(), load.work_end_s.tolist()) == ([0.0, 4.0], [4.0, 6.0])
    assert load.work_requests.tolist() == [1, 1]
    assert cloud.records(18.0).energy_j(busy_w=300.0, idle_w=60.0) == 8 * 300.0 + 10 * 60.0


def test_a_replica_draws_its_accelerators_board_power_if_nothing_else_is_said():
    roofline = {"kind": "roofline", "accelerator": "a100"}
    settings = CloudSettings.model_validate({"service_time": roofline})
    assert settings.busy_w == 400.0
    assert settings.idle_w(400.0) == pytest.approx(80.0)
    power = {"busy_w": 250.0, "idle_share": 0.1}
    settings = CloudSettings.model_validate({"service_time": roofline, "power": power})
    assert (settings.busy_w, settings.idle_w(250.0)) == (250.0, 25.0)
    assert CloudSettings.model_validate({"service_time": {"kind": "fixed"}}).busy_w is None


def test_whoever_has_given_up_is_dropped():
    cloud = CloudByHand([0.0, 1.0, 9.0], seconds=8.0, drop_expired=True, patience_s=5.0)
    # Device 1 has given up at 6 s, and would be served at 8 s.
    assert cloud.column("answer") == [Answer.LIST, Answer.NOTHING, Answer.LIST]
    records = cloud.records()
    assert (records.ends[End.SERVED], records.ends[End.DROPPED]) == (2, 1)


def test_every_attempt_that_enters_service_has_waited():
    # Each works for 4 s; who comes at 6 s is not served before the end.
    cloud = CloudByHand([0.0, 1.0, 2.0, 6.0], seconds=4.0)
    assert cloud.records(11.0).load.waited_s.tolist() == [0.0, 3.0, 6.0]


@pytest.mark.parametrize("kind", ["static", "continuous"])
def test_who_is_sent_back_by_a_crash_waits_again(kind):
    # A prompt takes 4 s to read, and nothing is decoded.
    model = {"parameters": 1e9, "prompt_tokens": 100, "output_tokens": 0}
    cloud = CloudByHand(
        [0.0, 1.0],
        faults={"crashes": ({"at_s": 3.0, "down_s": 2.0},)},
        batching={"kind": kind, "size": 1},
        service_time={
            "kind": "roofline",
            "served_model": model,
            "compute_utilisation": 2 * 1e9 * 100 / 312e12 / 4.0,
        },
    )
    # The first works from 0 to 3, when the crash sends it back, and from 5 to 9.
    waited_s = cloud.records(100.0).load.waited_s
    assert waited_s.tolist() == pytest.approx([0.0, 2.0, 8.0])


@given(
    settings=clouds(),
    faults=FAULTS,
    arrivals_s=st.lists(st.integers(0, 50).map(float) | st.floats(0, 60), max_size=60),
)
@settings(max_examples=150)
def test_waits_add_up_to_the_seconds_in_queues(settings, faults, arrivals_s):
    cloud = CloudByHand(arrivals_s, faults=faults, patience_s=5.0, until_s=100.0, **settings)
    records = cloud.records(cloud.clock.now)
    load = records.load
    in_cloud_s = sum(times_s.sum() for times_s in load.ended_s.values()) - load.arrived_s.sum()
    in_service_s = (load.work_end_s - load.work_start_s) @ load.work_requests
    in_queues_s = in_cloud_s - in_service_s
    assert (load.waited_s >= 0).all()
    assert load.waited_s.sum() <= in_queues_s + 1e-6
    if records.arrived == records.ends[End.SERVED] + records.ends[End.REJECTED]:
        assert load.waited_s.sum() == pytest.approx(in_queues_s, abs=1e-6)


ENDS_OF_ANSWERS = {
    Answer.LIST: End.SERVED,
    Answer.REJECTION: End.REJECTED,
    Answer.FAILURE: End.FAILED,
}


@given(
    settings=clouds(),
    faults=FAULTS,
    arrivals_s=st.lists(st.integers(0, 50).map(float) | st.floats(0, 60), min_size=1, max_size=60),
    patience_s=st.sampled_from([NEVER_S, 2.0]),
    seed=st.integers(0, 100),
)
@settings(max_examples=150)
def test_every_attempt_ends_in_exactly_one_way(settings, faults, arrivals_s, patience_s, seed):
    cloud = CloudByHand(
        arrivals_s, faults=faults, patience_s=patience_s, seed=seed, until_s=100.0, **settings
    )
    records = cloud.records(cloud.clock.now)
    answers = Counter(cloud.column("answer"))
    for answer, end in ENDS_OF_ANSWERS.items():
        assert records.ends[end] == answers[answer]
    silent = records.ends[End.DROPPED] + records.ends[End.VANISHED]
    assert silent == answers[Answer.NOTHING]
    assert records.unfinished == 0
    # Nobody is answered twice, nor without an answer.
    assert len({attempt.device for attempt in cloud.answers}) == len(cloud.answers)
    assert len(cloud.answers) == len(arrivals_s) - silent


@given(
    settings=clouds(),
    faults=FAULTS,
    arrivals_s=st.lists(st.integers(0, 50).map(float), min_size=1, max_size=60),
    horizon_s=st.floats(0, 120),
)
@settings(max_examples=100)
def test_nothing_comes_before_its_cause_and_no_replica_does_more_than_it_can(
    settings, faults, arrivals_s, horizon_s
):
    cloud = CloudByHand(arrivals_s, faults=faults, until_s=100.0, **settings)
    for attempt in cloud.attempts:
        if attempt.service_start_s < NEVER_S:
            assert attempt.arrived_cloud_s <= attempt.service_start_s <= attempt.service_end_s
            assert attempt.batch_size >= 1
        if attempt.answer == Answer.LIST:
            assert attempt.service_end_s == attempt.answered_s
        if attempt.answer != Answer.NOTHING:
            assert attempt.answered_s >= attempt.arrived_cloud_s
    records = cloud.records(horizon_s)
    able_s = records.on_s - records.starting_s - records.failed_s
    assert (records.busy_s <= able_s + 1e-9).all()
    assert (records.on_s <= horizon_s).all()
    assert records.unfinished >= 0
    times_s = [change.time_s for change in records.changes]
    assert times_s == sorted(set(times_s))
    assert times_s[0] == 0.0
    assert times_s[-1] <= horizon_s
    # The changes tell the same hours as the sums over replicas.
    lasting_s = np.diff([*times_s, horizon_s])
    on = np.array([change.on for change in records.changes])
    assert (on * lasting_s).sum() == pytest.approx(records.on_s.sum())
    minimum = settings["autoscaling"].get("minimum", 3)
    assert all(minimum <= change.on <= 3 for change in records.changes)


@given(
    settings=clouds(),
    arrivals_s=st.lists(st.floats(0, 20), min_size=1, max_size=60, unique=True),
)
@settings(max_examples=60)
def test_no_queue_is_longer_than_its_limit(settings, arrivals_s):
    cloud = CloudByHand(arrivals_s, until_s=100.0, **settings)
    queues = 1 if settings["routing"] == "shared" else 3
    for now_s in arrivals_s:
        waiting = sum(
            attempt.arrived_cloud_s <= now_s < attempt.service_start_s < NEVER_S
            for attempt in cloud.attempts
        )
        assert waiting <= queues * settings["queue_limit"]


@given(cloud=clouds(), faults=FAULTS, seed=st.integers(0, 1000), attempts=st.integers(1, 3))
@settings(max_examples=30)
def test_conservation_in_a_world(cloud, faults, seed, attempts):
    world = make_world(
        devices=30,
        users=10,
        steps=6,
        seed=seed,
        policy=Consistency(threshold=0.8),
        start_spread_s=20.0,
        serving=ServingSettings(timeout_s=8.0, retry=RetrySettings(attempts=attempts)),
        cloud=CloudSettings.model_validate(cloud),
        faults=FaultSettings.model_validate(faults),
    )
    result = simulate(world)
    outcomes = np.bincount(result.requests.outcome, minlength=len(Outcome))
    assert outcomes.sum() == result.interactions.requested.sum() == len(result.requests.device)
    assert sum(result.cloud.ends.values()) + result.cloud.unfinished == result.cloud.arrived
    assert result.cloud.arrived <= result.requests.attempts.sum()
    delivered = outcomes[Outcome.DELIVERED] + outcomes[Outcome.SUPERSEDED]
    assert delivered <= result.cloud.ends[End.SERVED]
    assert outcomes[Outcome.LOST] <= result.cloud.ends[End.FAILED]
    assert (result.cloud.busy_s <= result.cloud.on_s + 1e-9).all()


def test_the_mean_batch_is_of_batches_or_of_busy_time():
    static = CloudByHand([0.0, 0.5, 0.6, 0.7], size=3, seconds=2.0)
    # One alone from 0 to 2, then three together; the second batch counts although it is cut.
    for horizon_s in (3.0, 10.0):
        assert static.records(horizon_s).load.batch_size_mean(over_time=False) == 2.0
    assert static.records(10.0).load.batch_size_mean(over_time=True) == 2.0
    assert static.records(3.0).load.batch_size_mean(over_time=True) == (1 * 2 + 3 * 1) / 3
    assert static.records(1.0).load.batch_size_mean(over_time=False) == 1.0
    crash = {"at_s": 1.0, "down_s": 1.0, "work": "retried"}
    again = CloudByHand([0.0, 0.5, 0.6, 0.7], size=3, seconds=2.0, faults={"crashes": (crash,)})
    # One alone, and after the crash three and one.
    assert again.records().load.batch_size_mean(over_time=False) == 5 / 3


def test_there_is_no_mean_batch_without_batches():
    for over_time in (False, True):
        assert CloudByHand([]).records().load.batch_size_mean(over_time) is None
