"""Batching, queueing and service times of the cloud."""

import pytest

from sim.client.request import Answer, Attempt, Request
from sim.clock import Clock
from sim.cloud.batching.static import StaticBatching
from sim.cloud.cloud import Cloud
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.service_time.roofline import RooflineServiceTime, ServedModel
from sim.cloud.settings import CloudSettings


def serve(arrivals_s, *, replicas=1, size=2, wait_s=1.0, seconds=3.0, queue_limit=100):
    """Let one request of each device arrive at the given times; return the requests."""
    clock = Clock()
    settings = CloudSettings(
        queue_limit=queue_limit,
        batching=StaticBatching(size=size, wait_s=wait_s),
        service_time=FixedServiceTime(seconds=seconds),
    )
    answered = []
    cloud = Cloud(clock, settings, replicas, answered.append)
    requests = [
        Attempt.of(Request(device, 0, time, 0, clock.event()), time)
        for device, time in enumerate(arrivals_s)
    ]
    # The order in which events were put into the heap must not matter.
    for request in reversed(requests):
        arrival = clock.at(request.sent_s, value=request)
        arrival.callbacks.append(lambda event: cloud.submit(event.value))
    clock.run()
    assert len(answered) == len(requests)
    return requests


def starts(requests):
    return [request.service_start_s for request in requests]


def test_a_full_batch_starts_at_once_and_a_lonely_request_after_its_wait():
    requests = serve([0.0, 0.5, 10.0])
    assert starts(requests) == [0.5, 0.5, 11.0]
    assert [request.batch_size for request in requests] == [2, 2, 1]
    assert [request.service_end_s for request in requests] == [3.5, 3.5, 14.0]


def test_a_busy_replica_makes_the_queue_wait_in_order_of_arrival():
    requests = serve([0.0, 0.0, 0.1, 0.2, 0.3])
    assert starts(requests) == [0.0, 0.0, 3.0, 3.0, 6.0]


def test_replicas_serve_side_by_side():
    assert starts(serve([0.0, 0.0, 0.0, 0.0], replicas=2)) == [0.0] * 4


def test_arrivals_of_one_instant_are_taken_in_the_order_of_devices():
    assert starts(serve([1.0, 1.0, 1.0], size=1, wait_s=0.0)) == [1.0, 4.0, 7.0]


def test_a_full_queue_turns_requests_away():
    requests = serve([0.0, 0.1, 0.2, 0.3], size=1, wait_s=0.0, queue_limit=1)
    answers = [Answer.LIST, Answer.LIST, Answer.REJECTION, Answer.REJECTION]
    assert [attempt.answer for attempt in requests] == answers


def test_a_full_queue_is_a_batch_though_a_smaller_one():
    requests = serve([0.0, 0.1, 0.2], size=8, wait_s=5.0, seconds=0.0, queue_limit=2)
    assert starts(requests) == [0.1, 0.1, 5.2]


def test_without_service_time_nobody_waits_beyond_batching():
    requests = serve([0.0, 0.25, 0.25, 0.25], size=1, wait_s=0.0, seconds=0.0)
    assert starts(requests) == [0.0, 0.25, 0.25, 0.25]


def test_roofline_of_seven_billion_parameters_on_an_a100():
    model = ServedModel(parameters=7e9, prompt_tokens=512, output_tokens=8)
    service = RooflineServiceTime(
        accelerator="a100",
        served_model=model,
        compute_utilisation=0.5,
        memory_utilisation=0.7,
    )
    prefill_s = 2 * 7e9 * 512 / (312e12 * 0.5)
    kv_bytes = 2 * 32 * 8 * 128 * 2  # of one token; its eight steps read 512 to 519 of them
    for batch in (1, 8):
        read_bytes = 8 * 14e9 + batch * kv_bytes * sum(range(512, 520))
        expected_s = batch * prefill_s + read_bytes / (2039e9 * 0.7)
        assert service.batch_s(batch) == pytest.approx(expected_s)


def test_fixed_service_time():
    service = FixedServiceTime(seconds=0.5, seconds_per_request=0.1)
    assert service.batch_s(4) == pytest.approx(0.9)


def test_replicas_grow_with_the_fleet():
    assert CloudSettings().replicas_for(5000) == 1
    assert CloudSettings(devices_per_replica=1000).replicas_for(2001) == 3
