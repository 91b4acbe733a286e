"""Which times of a model count, and which were taken while other programs had the processor."""

import os
import threading
import time

import numpy as np
import pytest

from benchmarks.service_preemption import Estimate, Instant, Taken, queued_s


def taken(seconds: list[float], computed_s: list[float], queued: list[float]) -> Taken:
    return Taken(np.array(seconds), np.array(computed_s), np.array(queued))


def test_reading_the_clocks_is_in_no_part() -> None:
    instants = [
        Instant(until_s=0.0, since_s=1.0, computed_s=0.0, queued_s=0.0),
        Instant(until_s=5.0, since_s=6.0, computed_s=3.0, queued_s=1.0),
        Instant(until_s=8.0, since_s=9.0, computed_s=5.0, queued_s=1.0),
    ]
    parts = Taken.between(instants)
    np.testing.assert_array_equal(parts.seconds, [4.0, 2.0])
    np.testing.assert_array_equal(parts.computed_s, [3.0, 2.0])
    np.testing.assert_array_equal(parts.queued, [0.25, 0.0])
    np.testing.assert_array_equal(parts.undisturbed, [False, True])
    assert parts.total_s == 6.0


def test_disturbed_times_do_not_count() -> None:
    calm = [taken([seconds], [0.5], [0.0]) for seconds in (1.0, 1.1, 1.2)]
    disturbed = [taken([9.0], [0.5], [0.9])] * 20
    assert Estimate.of([*disturbed, *calm]) == Estimate(1.1, 0.0)


def test_waits_for_other_threads_are_part_of_the_time() -> None:
    # The thread that was asked computes half of the time, and nobody has its processor.
    assert Estimate.of([taken([1.0], [0.5], [0.0])] * 3) == Estimate(1.0, 0.0)


def test_what_was_always_disturbed_takes_its_processor_time_and_is_told_of() -> None:
    both = [taken([1.0, 9.0], [0.9, 2.0], [0.05, 0.8])] * 5
    assert Estimate.of(both) == Estimate((1.0 + 2.0) / 2, 0.5)


def test_without_a_processor_nobody_is_in_the_way() -> None:
    parts = Taken.between([Instant.now(on_processor=False) for _ in range(3)])
    assert parts.undisturbed.all()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cannot choose a processor")
def test_a_thread_beside_it_on_the_same_processor_is_seen() -> None:
    # Hashing lets go of Python's lock, so both threads want the one processor all the time.
    import hashlib

    allowed, block = os.sched_getaffinity(0), bytes(2**20)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            hashlib.sha256(block)

    rival = threading.Thread(target=work)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        rival.start()
        before_s, began_s = queued_s(), time.perf_counter()
        while time.perf_counter() - began_s < 0.5:
            hashlib.sha256(block)
        assert queued_s() - before_s > 0.1
    finally:
        over.set()
        rival.join()
        os.sched_setaffinity(0, allowed)
