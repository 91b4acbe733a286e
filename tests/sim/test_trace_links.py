"""Transfers over recorded packet opportunities, against a replay packet by packet."""

import math
from collections import deque
from itertools import repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from sim.client.request import Attempt, Request
from sim.clock import Clock
from sim.network.disturbances import Disturbance, Disturbances
from sim.network.message import Direction
from sim.network.opportunities import whole_ms
from sim.network.packet_trace import OPPORTUNITY_BYTES, PacketTrace
from sim.network.trace import ReplayedTraces, TraceNetwork

RECORDED = {
    "TMobile-UMTS-driving": (2.02, 0.94),
    "Verizon-EVDO-driving": (0.52, 0.84),
    "ATT-LTE-driving": (5.17, 0.83),
}


def opportunities_s(times_ms, start_ms):
    """Yield every opportunity from time 0 on, round after round, as mm-link comes by them."""
    base_ms = -start_ms
    while True:
        for time_ms in times_ms:
            if base_ms + time_ms >= 0:
                yield (base_ms + time_ms) / 1000
        base_ms += times_ms[-1]


def replay(times_ms, start_ms, transfers, windows=()):
    """Return when each of the (start_s, bytes), ascending, has crossed: packet by packet."""
    packets = deque(
        (start_s, number, min(1500, size - first))
        for number, (start_s, size) in enumerate(transfers)
        for first in range(0, size, 1500)
    )
    end_s, left_of_packet = [None] * len(transfers), 0
    for now_s in thinned_s(opportunities_s(times_ms, start_ms), windows):
        left_of_opportunity = 1500
        while left_of_opportunity and packets and packets[0][0] < now_s:
            _, number, size = packets[0]
            left_of_packet = left_of_packet or size
            sent = min(left_of_packet, left_of_opportunity)
            left_of_packet -= sent
            left_of_opportunity -= sent
            if not left_of_packet:
                end_s[number] = now_s
                packets.popleft()
        if not packets:
            return end_s
    raise AssertionError


def thinned_s(times_s, windows):
    """Yield the opportunities that are left by disturbances of (start_s, end_s, factor)."""
    seen = {}
    for now_s in times_s:
        begin_s, factor = 0.0, 1.0
        for start_s, end_s, of_window in windows:
            if start_s <= now_s:
                begin_s, factor = start_s, of_window
            if end_s <= now_s:
                begin_s, factor = end_s, 1.0
        seen[begin_s] = seen.get(begin_s, 0) + 1
        left = math.floor(factor * seen[begin_s]) - math.floor(factor * (seen[begin_s] - 1))
        yield from repeat(now_s, left)


def links_of(traces, starts_ms, windows=()):
    disturbances = [
        Disturbance(start_s, end_s, bandwidth_factor=factor) for start_s, end_s, factor in windows
    ]
    return ReplayedTraces(traces, starts_ms, Disturbances(disturbances, len(starts_ms)))


def crossed_s(times_ms, start_ms, transfers, windows=()):
    trace = PacketTrace(np.array(times_ms))
    links = links_of((trace, trace), [start_ms], windows)
    return [links.end_s(Direction.UP, 0, start_s, size) for start_s, size in transfers]


SHORT = [3, 3, 3, 4, 10, 11, 11, 20]


@pytest.mark.parametrize(
    ("start_ms", "transfers", "ends_ms"),
    [
        (0, [(0.0, 1500)], [3]),
        (0, [(0.0, 1501)], [3]),
        (0, [(0.0, 4501)], [4]),
        # What begins at an opportunity is too late for it, and for all of that instant.
        (0, [(0.003, 1)], [4]),
        (0, [(0.0029, 1)], [3]),
        # Three small ones share an opportunity; the fourth goes on at the next.
        (0, [(0.005, 500), (0.006, 500), (0.007, 400), (0.008, 200)], [10, 10, 10, 11]),
        # The queue is empty after the first opportunity of 11 ms: nobody finds what it left.
        (0, [(0.0105, 100), (0.011, 100)], [11, 20]),
        # Round again: the period is the last time, so 20 + 3 follows.
        (0, [(0.02, 1)], [23]),
        (0, [(0.0, 1500 * 80 + 1)], [203]),
        (4, [(0.0, 1)], [6]),
        (19, [(0.0, 1501)], [4]),
    ],
)
def test_hand_computed_transfers(start_ms, transfers, ends_ms):
    expected = [ms / 1000 for ms in ends_ms]
    assert crossed_s(SHORT, start_ms, transfers) == expected
    assert replay(SHORT, start_ms, transfers) == expected


def test_the_last_opportunity_of_a_round_and_the_first_of_the_next_are_two():
    assert crossed_s([0, 5], 0, [(0.001, 3000), (0.002, 1500)]) == [0.005, 0.01]


INSTANTS_S = st.one_of(st.integers(0, 90).map(lambda ms: ms / 1000), st.floats(0, 0.09))


@given(
    gaps_ms=st.lists(st.integers(0, 4), min_size=1, max_size=12).filter(any),
    start_ms=st.integers(0, 60),
    transfers=st.lists(
        st.tuples(
            INSTANTS_S,
            st.one_of(st.integers(1, 9000), st.sampled_from([1500, 3000, 1499, 1501])),
        ),
        min_size=1,
        max_size=12,
    ),
    edges_s=st.lists(INSTANTS_S, max_size=6, unique=True),
    factors=st.lists(
        st.one_of(st.sampled_from([0.0, 0.5, 1 / 3, 0.1, 2.0]), st.floats(0.05, 1.5)),
        min_size=3,
        max_size=3,
    ),
)
def test_transfers_equal_a_replay_packet_by_packet(gaps_ms, start_ms, transfers, edges_s, factors):
    times_ms = np.cumsum(gaps_ms).tolist()
    transfers = sorted(transfers, key=lambda transfer: transfer[0])
    edges_s.sort()
    windows = list(zip(edges_s[::2], edges_s[1::2], factors, strict=False))
    assert crossed_s(times_ms, start_ms, transfers, windows) == replay(
        times_ms, start_ms, transfers, windows
    )


def test_hand_computed_transfers_through_disturbances():
    steady = list(range(1, 101))
    transfers = [(0.0, 1500), (0.0, 6000), (0.0405, 6000)]
    # No coverage from 3 ms until before 30 ms, so 1, 2, 30, 31, 32 ms; later every second is left,
    # beginning with the second: 42, 44, 46, 48 ms.
    windows = [(0.003, 0.03, 0.0), (0.041, 1.0, 0.5)]
    assert crossed_s(steady, 0, transfers, windows) == [0.001, 0.032, 0.048]
    forever = [(0.003, math.inf, 0.0)]
    assert crossed_s(steady, 0, transfers, forever) == [0.001, math.inf, math.inf]
    links = links_of((PacketTrace(np.array(steady)),) * 2, [0], windows)
    assert [links.covered(0, at_s) for at_s in (0.0, 0.003, 0.0299, 0.03, 0.5)] == [
        True,
        False,
        False,
        True,
        True,
    ]


def test_a_loss_of_coverage_for_ages_is_one_for_ever():
    windows = [(0.003, 1e30, 0.0)]
    assert crossed_s([1], 0, [(0.0, 1500), (0.005, 1500)], windows) == [0.001, math.inf]


def test_only_the_devices_of_a_disturbance_are_hit():
    trace = PacketTrace(np.arange(1, 101))
    hit = Disturbance(0.0, 0.05, np.array([False, True]), bandwidth_factor=0.0)
    links = ReplayedTraces((trace, trace), [0, 0], Disturbances([hit], 2))
    assert [links.end_s(Direction.UP, device, 0.0, 1500) for device in (0, 1)] == [0.001, 0.05]
    assert [links.covered(device, 0.01) for device in (0, 1)] == [True, False]


def test_what_waits_for_coverage_wakes_no_radio_and_keeps_its_order(tmp_path):
    second = written(tmp_path, "second", [1000])
    gone = Disturbance(1.5, 9.5, bandwidth_factor=0.0)
    links = make(tmp_path, up=second, rtt_s=0.0, radio="3g").links(0, 1, 1, [gone])
    clock = Clock()

    def send(at_s, size_bytes):
        yield clock.at(at_s)
        request = Request(0, 0, at_s, size_bytes, clock.event())
        yield links.carry(clock, Direction.UP, Attempt.of(request, at_s), size_bytes)

    for at_s, size_bytes in ((0.0, 4000), (3.0, 100), (4.0, 1600)):
        clock.process(send(at_s, size_bytes))
    clock.run()
    # One opportunity comes before coverage is lost, or none. The first needs three, the small
    # one shares its last, and 240 bytes are left there for the third, of 1680 with its headers.
    log = links.log.columns()
    first = log.end_s[log.wire_bytes > 4000][0]
    assert log.end_s[log.wire_bytes == 0].tolist() == [1.5]
    assert log.wake_s[1:].tolist() == [9.5, 9.5, 9.5]
    assert log.end_s[1:].tolist() == [first, first, first + 1]
    assert 10.5 <= first <= 12.5


def test_disturbances_add_latency(tmp_path):
    late = Disturbance(0.0, 1.0, extra_latency_s=3.0)
    links = make(tmp_path).links(seed=0, devices=1, steps=1, disturbances=[late])
    clock = Clock()
    request = Request(0, 0, 0.0, 300, clock.event())
    clock.run(until=links.carry(clock, Direction.UP, Attempt.of(request, 0.0), 300))
    assert clock.now == links.log.columns().end_s[0] + 3.05


@pytest.mark.parametrize("direction", Direction, ids=["up", "down"])
@pytest.mark.parametrize("name", RECORDED)
def test_transfers_over_recorded_traces_equal_a_replay_packet_by_packet(trace_dir, name, direction):
    path = trace_dir / f"{name}.{direction.name.lower()}"
    times_ms = [int(line) for line in path.read_text().split()]
    trace = PacketTrace.read(str(path))
    assert trace.times_ms.tolist() == times_ms
    mean_bps = 8 * OPPORTUNITY_BYTES * len(times_ms) / (trace.period_ms / 1000)
    assert mean_bps / 1e6 == pytest.approx(RECORDED[name][direction == Direction.UP], abs=0.005)
    random = np.random.default_rng(5)
    starts_ms = random.integers(0, trace.period_ms, 6).tolist()
    links = links_of((trace, trace), starts_ms)
    for device, start_ms in enumerate(starts_ms):
        # Over more than a round, often several at once, from a packet to many.
        start_s = np.sort(random.uniform(0, 1.2 * trace.period_ms / 1000, 400))
        start_s[::7] = np.floor(1000 * start_s[::7]) / 1000
        start_s[1::3] = start_s[::3][: len(start_s[1::3])]
        start_s.sort()
        sizes = np.exp(random.uniform(np.log(1), np.log(3e5), 400)).astype(int)
        transfers = list(zip(start_s.tolist(), sizes.tolist(), strict=True))
        ours = [links.end_s(direction, device, at_s, size) for at_s, size in transfers]
        assert ours == replay(times_ms, start_ms, transfers)


@given(st.integers(0, 10**10), st.sampled_from([-1, 0, 1]))
def test_whole_ms_are_exact(ms, nudge):
    time_s = ms / 1000
    if nudge:
        time_s = float(np.nextafter(time_s, np.inf * nudge))
    assert whole_ms(max(0.0, time_s)) == max(0, ms - (nudge < 0))


def written(tmp_path, name, lines):
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def make(tmp_path, **values):
    up, down = written(tmp_path, "up", [5, 10]), written(tmp_path, "down", [1, 2, 7])
    given_values = {"kind": "trace", "up": up, "down": down, "rtt_s": 0.1, **values}
    return TraceNetwork.model_validate(given_values)


def test_a_message_waits_for_the_radio_then_for_opportunities_then_for_the_latency(tmp_path):
    network = make(tmp_path, radio="3g")
    links = network.links(seed=0, devices=1, steps=1)
    clock = Clock()
    request = Request(0, 0, 0.0, 300, clock.event())
    clock.run(until=links.carry(clock, Direction.UP, Attempt.of(request, 0.0), 300))
    log = links.log.columns()
    assert log.start_s[0] == 0.5821
    assert 0.5821 < log.end_s[0] <= 0.5871
    assert clock.now == log.end_s[0] + 0.05


def test_devices_begin_anywhere_in_the_trace_alike_both_ways(tmp_path):
    trace = written(tmp_path, "long", [*range(0, 1000, 10), 1000])
    links = make(tmp_path, up=trace, down=trace).links(seed=1, devices=500, steps=1)
    ends_s = [
        [links.medium.end_s(direction, device, 0.0, 1) for device in range(500)]
        for direction in Direction
    ]
    assert ends_s[0] == ends_s[1]
    assert len(set(ends_s[0])) == 10
    single = make(tmp_path, up=written(tmp_path, "single", [1000])).links(1, 2000, 1)
    waits_s = np.array([single.medium.end_s(Direction.UP, d, 0.0, 1) for d in range(2000)])
    assert waits_s.mean() == pytest.approx(0.5, abs=0.02)
    again = make(tmp_path, up=written(tmp_path, "single", [1000])).links(1, 20, 1)
    assert [again.medium.end_s(Direction.UP, d, 0.0, 1) for d in range(20)] == waits_s[:20].tolist()


def test_both_directions_and_all_devices_are_links_of_their_own(tmp_path):
    trace = written(tmp_path, "trace", [10])
    medium = make(tmp_path, up=trace, down=trace).links(0, 2, 1).medium
    first = medium.end_s(Direction.UP, 0, 0.0, 1500)
    assert medium.end_s(Direction.UP, 0, 0.0, 1500) == first + 0.01
    assert medium.end_s(Direction.DOWN, 0, 0.0, 1500) == first
    assert medium.end_s(Direction.UP, 1, 0.0, 1500) <= 0.01


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "is empty"),
        ([1, "", 2], "line 2 is ''"),
        ([1, 2, "3.5"], "line 3 is '3.5'"),
        ([1, -2], "line 2 is '-2'"),
        (["0x10"], "line 1 is '0x10'"),
        ([1, 5, 4], "line 3 is 4, below the 5 of the line before"),
        ([0, 0], "line 2 is 0, and it is the last"),
        (["9" * 16], "line 1 is '9999"),
    ],
)
def test_malformed_traces_are_refused_by_file_and_line(tmp_path, lines, complaint):
    path = written(tmp_path, "broken", lines)
    with pytest.raises(PydanticCustomError) as error:
        PacketTrace.read(path)
    message = str(error.value)
    assert message.startswith(path)
    assert complaint in message
    assert "accepted is a Mahimahi trace" in message
    assert "\n" not in message
    with pytest.raises(ValidationError, match="accepted is a Mahimahi trace"):
        make(tmp_path, up=path)


def test_traces_are_found_by_name_in_the_directory_of_traces(tmp_path, monkeypatch):
    written(tmp_path, "mine", [1, 2, 3])
    monkeypatch.delenv("LSC_TRACES", raising=False)
    with pytest.raises(ValidationError, match=r"no trace file 'mine' .*LSC_TRACES \(not set\)"):
        make(tmp_path, up="mine")
    monkeypatch.setenv("LSC_TRACES", str(tmp_path))
    assert make(tmp_path, up="mine").up == "mine"
    with pytest.raises(ValidationError, match="no trace file '~/no/such'"):
        make(tmp_path, up="~/no/such")


def test_a_transfer_takes_no_longer_to_compute_when_it_is_long():
    links = links_of((PacketTrace(np.array([1, 2, 5])),) * 2, [0])
    assert links.end_s(Direction.UP, 0, 0.0, 3 * 1500 * 10**12) == 5e9
