"""How long work takes on a replica that is slow for a while."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.cloud.pace import Pace
from sim.faults.slow_replicas import SlowReplica


def slow(start_s, duration_s, factor):
    return SlowReplica(start_s=start_s, duration_s=duration_s, factor=factor)


def test_work_under_way_slows_from_that_instant_on():
    pace = Pace([slow(10.0, 20.0, 4.0)])
    assert pace.end_s(0.0, 10.0) == 10.0
    assert pace.end_s(10.0, 1.0) == 14.0
    assert pace.end_s(8.0, 3.0) == 14.0  # 2 s before, 1 s of work at a quarter of the speed
    assert pace.end_s(8.0, 10.0) == 33.0  # 2 s before, 5 s of work within, 3 s after
    assert pace.end_s(30.0, 1.0) == 31.0


def test_overlapping_windows_multiply_and_one_may_never_end():
    pace = Pace([slow(0.0, float("inf"), 2.0), slow(10.0, 10.0, 3.0)])
    assert pace.end_s(0.0, 5.0) == 10.0
    assert pace.end_s(0.0, 6.0) == 16.0
    assert pace.end_s(20.0, 1.0) == 22.0


windows = st.lists(
    st.builds(
        slow, st.integers(0, 20).map(float), st.integers(1, 20).map(float), st.floats(1.0, 5.0)
    ),
    max_size=4,
)


@given(windows, st.floats(0, 40), st.floats(0, 30))
def test_it_is_the_integral_of_the_speed(slowed, start_s, work_s):
    end_s = Pace(slowed).end_s(start_s, work_s)
    edges = [start_s, end_s]
    for window in slowed:
        edges += [t for t in (window.start_s, window.end_s) if start_s < t < end_s]
    edges.sort()
    done_s = 0.0
    for begin, end in itertools.pairwise(edges):
        middle = (begin + end) / 2
        factors = [w.factor for w in slowed if w.start_s <= middle < w.end_s]
        done_s += (end - begin) / float(np.prod(factors))
    assert done_s == pytest.approx(work_s, abs=1e-9)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_full_speed_changes_no_bit(start_s, work_s):
    assert Pace().end_s(start_s, work_s) == start_s + work_s
