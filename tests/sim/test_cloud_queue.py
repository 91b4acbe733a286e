"""The order of the queue, whom it drops, and when its batches are due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served_attempts import Arrival, Served

from sim.client.request import Answer, Attempt, Request
from sim.cloud.queue import AttemptQueue
from sim.cloud.records import End


def attempt(device, arrived_s=0.0, list_age=0, expires_s=float("inf"), number=0, step=0):
    request = Request(
        device, step, 0.0, 0, ended=None, expires_s=expires_s, list_age_steps=list_age
    )
    made = Attempt(request, device, step, number, 0.0)
    made.arrived_cloud_s = arrived_s
    return made


def devices(attempts):
    return [each.device for each in attempts]


def filled(queue, attempts):
    for each in attempts:
        queue.put(each)
    return queue


def test_first_come_first_served_and_together_in_the_order_of_devices():
    waiting = [attempt(3, 1.0), attempt(1, 1.0), attempt(2, 0.5)]
    assert devices(filled(AttemptQueue(9), waiting).take(9, 2.0)) == [2, 1, 3]


def test_older_lists_go_first_and_equally_old_ones_by_arrival_then_device():
    waiting = [
        attempt(1, 0.0, list_age=1),
        attempt(5, 1.0, list_age=4),
        attempt(4, 1.0, list_age=4),
        attempt(6, 0.5, list_age=4),
    ]
    queue = filled(AttemptQueue(9, "oldest_list"), waiting)
    assert devices(queue.take(2, 2.0)) == [6, 4]
    assert queue.oldest_arrival_s == 0.0
    assert devices(queue.take(9, 2.0)) == [5, 1]


def test_two_attempts_of_a_device_at_one_time_have_an_order():
    waiting = [attempt(1, 0.0, step=4), attempt(1, 0.0, step=2), attempt(1, 0.0, number=1)]
    taken = filled(AttemptQueue(9), waiting).take(9, 0.0)
    assert [(each.number, each.step) for each in taken] == [(0, 2), (0, 4), (1, 0)]


def test_an_attempt_that_comes_back_is_as_old_as_it_was():
    first, second = attempt(7, 0.0), attempt(1, 1.0)
    queue = filled(AttemptQueue(1), [first])
    (back,) = queue.take(1, 0.0)
    queue.put(second)
    assert queue.full
    queue.put(back)
    assert devices(queue.take(2, 3.0)) == [7, 1]


def test_an_expired_attempt_is_dropped_when_it_would_be_taken_and_not_before():
    dropped = []
    waiting = [attempt(1, 0.0, expires_s=5.0), attempt(2, 1.0), attempt(3, 2.0, expires_s=5.0)]
    queue = filled(AttemptQueue(3, drop_expired=True, dropped=dropped.append), waiting)
    assert queue.full
    assert devices(queue.take(1, 5.0)) == [2]
    assert devices(dropped) == [1]
    assert len(queue) == 1
    assert queue.take(1, 5.0) == []
    assert devices(dropped) == [1, 3]


def test_without_dropping_nobody_expires():
    queue = filled(AttemptQueue(3), [attempt(1, 0.0, expires_s=1.0)])
    assert devices(queue.take(1, 5.0)) == [1]


ATTEMPTS = st.lists(
    st.builds(
        attempt,
        st.integers(0, 5),
        st.sampled_from([0.0, 1.0, 2.5, 7.0]),
        st.integers(0, 3),
        st.sampled_from([1.0, 4.0, float("inf")]),
    ),
    max_size=30,
    unique_by=lambda each: (each.device, each.arrived_cloud_s),
)


@given(
    waiting=ATTEMPTS,
    order=st.sampled_from(["arrival", "oldest_list"]),
    drop=st.booleans(),
    takes=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), max_size=12),
)
def test_it_equals_a_list_that_is_sorted_anew_each_time(waiting, order, drop, takes):
    dropped, plain, gone = [], [], []
    queue = AttemptQueue(10**6, order, drop, dropped.append)
    coming = iter(waiting)
    for now_s, (most, more) in enumerate(takes):
        for each in [new for _, new in zip(range(more), coming, strict=False)]:
            queue.put(each)
            plain.append(each)
        plain.sort(
            key=lambda each: (
                -each.request.list_age_steps if order == "oldest_list" else 0,
                each.arrived_cloud_s,
                each.device,
            )
        )
        expected = []
        while plain and len(expected) < most:
            first = plain.pop(0)
            expired = drop and first.request.expires_s <= now_s
            (gone if expired else expected).append(first)
        assert queue.take(most, float(now_s)) == expected
        assert dropped == gone
        assert len(queue) == len(plain)
        if plain:
            assert queue.oldest_arrival_s == min(each.arrived_cloud_s for each in plain)
    assert sorted(map(id, queue.clear())) == sorted(map(id, plain))


SLOW = {
    "service_time": {"kind": "fixed", "seconds": 3.0},
    "batching": {"size": 1, "wait_s": 0.0},
}


def test_who_holds_the_oldest_list_is_served_next():
    ages = [0, 1, 5, 2]
    arrivals = [Arrival(device / 10, device, list_age=age) for device, age in enumerate(ages)]
    assert Served(arrivals, order="oldest_list", **SLOW).starts == [0.0, 9.0, 3.0, 6.0]
    assert Served(arrivals, **SLOW).starts == [0.0, 3.0, 6.0, 9.0]


def test_a_batch_waits_no_longer_for_an_old_request_behind_others():
    # Device 0 holds the newest list and has waited longest: its wait of 1 s starts the batch.
    arrivals = [Arrival(0.0, 0), Arrival(0.5, 1, list_age=3), Arrival(0.75, 2, list_age=9)]
    batching = {"kind": "static", "size": 9, "wait_s": 1.0}
    served = Served(arrivals, **{**SLOW, "batching": batching}, order="oldest_list")
    assert served.starts == [1.0, 1.0, 1.0]


def test_a_dropped_request_is_never_answered_and_takes_no_service():
    arrivals = [Arrival(0.0, 0), Arrival(0.5, 1, expires_s=3.0), Arrival(0.5, 2, expires_s=9.0)]
    served = Served(arrivals, drop_expired=True, **SLOW)
    assert served.starts == [0.0, float("inf"), 3.0]
    assert served.column("answer") == [Answer.LIST, Answer.NOTHING, Answer.LIST]
    records = served.records()
    assert records.busy_s.sum() == pytest.approx(6.0)
    assert records.ends[End.DROPPED] == 1
    assert Served(arrivals, **SLOW).starts == [0.0, 3.0, 6.0]


def test_a_replica_goes_on_when_all_that_waited_had_expired():
    arrivals = [Arrival(0.0, 0), Arrival(0.5, 1, expires_s=1.0), Arrival(4.0, 2)]
    served = Served(arrivals, drop_expired=True, **SLOW)
    assert served.starts == [0.0, float("inf"), 4.0]
