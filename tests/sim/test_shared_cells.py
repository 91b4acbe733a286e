"""Transfers that share cells, against hand-computed cases, a fluid simulation, and theory."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.client.request import Attempt, Request
from sim.clock import Clock
from sim.network.cell import CellNetwork, SharedCells
from sim.network.disturbances import Disturbance, Disturbances
from sim.network.message import Direction
from sim.network.processor_sharing import ProcessorSharing


@dataclass(frozen=True)
class Sent:
    """A transfer to be: when, in the place of which device, how large."""

    at_s: float
    device: int
    wire_bytes: int


def ends_s(sent, cell_of=None, capacity_bps=8.0, cap_bps=math.inf, disturbances=()):
    """Run transfers upwards; return when each ends, infinite if it never does.

    A device has one transfer at a time; so each is one of a device of its own.
    """
    places = [each.device for each in sent]
    cells = SharedCells(
        [cell_of[place] if cell_of else 0 for place in places],
        (capacity_bps, capacity_bps),
        (cap_bps, cap_bps),
        Disturbances(
            [
                each if each.devices is None else replace(each, devices=each.devices[places])
                for each in disturbances
            ],
            len(sent),
        ),
    )
    clock = Clock()
    ended = [math.inf] * len(sent)

    def transfer(number, each):
        yield clock.at(each.at_s)
        crossed = clock.event()
        cells.begin(clock, Direction.UP, number, each.wire_bytes, crossed)
        ended[number] = yield crossed

    for number, each in enumerate(sent):
        clock.process(transfer(number, each))
    clock.run()
    return ended


def fluid_ends_s(sent, capacity_bps, cap_bps, disturbances=()):
    """Do the same for one cell: compute every transfer's rate anew whenever anything happens."""
    edges_s = {each.start_s for each in disturbances} | {each.end_s for each in disturbances}
    now_s, ended, bits = 0.0, [math.inf] * len(sent), {}
    coming = sorted(range(len(sent)), key=lambda number: sent[number].at_s)
    while coming or bits:
        factor = {
            number: math.prod(
                each.bandwidth_factor
                for each in disturbances
                if each.start_s <= now_s < each.end_s
                and (each.devices is None or each.devices[sent[number].device])
            )
            for number in bits
        }
        sharing = sum(each > 0 for each in factor.values())
        rate = {
            number: each * min(cap_bps, capacity_bps / sharing) if each else 0.0
            for number, each in factor.items()
        }
        ends = {number: bits[number] / rate[number] for number in bits if rate[number]}
        steps_s = [edge_s - now_s for edge_s in edges_s if now_s < edge_s < math.inf]
        if coming:
            steps_s.append(sent[coming[0]].at_s - now_s)
        steps_s += ends.values()
        if not steps_s:
            break
        step_s = min(steps_s)
        next_s = min([edge_s for edge_s in edges_s if edge_s - now_s == step_s] or [now_s + step_s])
        for number in bits:
            bits[number] -= rate[number] * step_s
        for number in [number for number in ends if ends[number] == step_s]:
            ended[number] = next_s
            del bits[number]
        now_s = next_s
        while coming and sent[coming[0]].at_s <= now_s:
            bits[coming[0]] = 8.0 * sent[coming[0]].wire_bytes
            del coming[0]
    return ended


@pytest.mark.parametrize(
    ("sent", "expected_s"),
    [
        # 8 bit/s carry a byte each second.
        ([Sent(1.0, 0, 10)], [11.0]),
        # Two alike at half the speed; 4 bytes alone, then 6 of each by 16 s, then 4 alone.
        ([Sent(0.0, 0, 10), Sent(0.0, 1, 10)], [20.0, 20.0]),
        ([Sent(0.0, 0, 10), Sent(4.0, 1, 10)], [16.0, 20.0]),
        # 2 bytes alone, then 1 byte of each, then 7 bytes alone.
        ([Sent(0.0, 0, 10), Sent(2.0, 1, 1)], [11.0, 4.0]),
        # A third of the speed: 1 byte of each by 3 s, 1 of each of two by 5 s, 1 by 6 s.
        ([Sent(0.0, 0, 3), Sent(0.0, 1, 1), Sent(0.0, 2, 2)], [6.0, 3.0, 5.0]),
        # One ends when another begins: they never share.
        ([Sent(0.0, 0, 5), Sent(5.0, 1, 5)], [5.0, 10.0]),
    ],
)
def test_hand_computed_cases(sent, expected_s):
    assert ends_s(sent) == expected_s


def test_nobody_gets_more_than_the_cap():
    sent = [Sent(0.0, device, 6) for device in range(3)]
    # Alone and with one other each has its cap, 3 of 8 bit/s; among three there is less, 8 / 3.
    assert ends_s(sent[:1], cap_bps=3.0) == [16.0]
    assert ends_s(sent[:2], cap_bps=3.0) == [16.0, 16.0]
    assert ends_s(sent, cap_bps=3.0) == pytest.approx([18.0] * 3)


def test_cells_and_directions_do_not_share_with_one_another():
    sent = [Sent(0.0, 0, 10), Sent(0.0, 1, 10)]
    assert ends_s(sent, cell_of=[0, 1]) == [10.0, 10.0]
    cells = SharedCells([0, 0], (8.0, 16.0), (math.inf, math.inf), Disturbances((), 2))
    clock = Clock()
    crossed = [clock.event(), clock.event()]
    for direction in Direction:
        cells.begin(clock, direction, 0, 10, crossed[direction])
    clock.run(until=crossed[Direction.DOWN])
    assert clock.now == 5.0
    clock.run(until=crossed[Direction.UP])
    assert clock.now == 10.0


def test_without_coverage_transfers_pause_and_the_others_share():
    sent = [Sent(0.0, 0, 10), Sent(0.0, 1, 10)]
    gone = Disturbance(4.0, 9.0, np.array([True, False]), bandwidth_factor=0.0)
    # 2 bytes of each by 4 s, 5 of the second alone by 9 s, 3 of each by 15 s, 5 of the first alone.
    assert ends_s(sent, disturbances=[gone]) == [20.0, 15.0]
    assert ends_s(sent, disturbances=[replace(gone, end_s=math.inf)]) == [math.inf, 12.0]
    late = [Sent(5.0, 0, 1), Sent(0.0, 1, 1)]
    assert ends_s(late, disturbances=[gone]) == [10.0, 1.0]


def test_a_disturbance_of_a_whole_cell_is_one_of_its_capacity():
    sent = [Sent(0.0, 0, 10), Sent(0.0, 1, 10)]
    half = Disturbance(4.0, 8.0, bandwidth_factor=0.5)
    # 2 bytes of each by 4 s, 1 of each by 8 s, 7 of each after it.
    assert ends_s(sent, disturbances=[half]) == [22.0, 22.0]
    # Of one device alone: it keeps its half of the air time, and carries half as much in it.
    one = replace(half, devices=np.array([True, False]))
    assert ends_s(sent, disturbances=[one]) == [20.0 + 1.0, 20.0]


SENT = st.lists(
    st.builds(
        Sent,
        st.one_of(st.integers(0, 20).map(float), st.floats(0, 20)),
        st.integers(0, 4),
        st.integers(1, 40),
    ),
    min_size=1,
    max_size=25,
)
DISTURBANCES = st.lists(
    st.builds(
        Disturbance,
        st.one_of(st.integers(0, 15).map(float), st.floats(0, 15)),
        st.one_of(st.integers(16, 60).map(float), st.floats(15.5, 60)),
        st.one_of(
            st.none(),
            st.lists(st.booleans(), min_size=5, max_size=5).map(lambda hit: np.array(hit)),
        ),
        bandwidth_factor=st.sampled_from([0.0, 0.25, 0.6, 1.0]),
    ),
    max_size=3,
)


@given(
    SENT, st.sampled_from([3.0, 8.0, 100.0]), st.sampled_from([2.5, 5.0, math.inf]), DISTURBANCES
)
def test_transfers_equal_a_fluid_simulation(sent, capacity_bps, cap_bps, disturbances):
    sent = [*sent, Sent(0.0, 4, 1)]
    ours = ends_s(sent, None, capacity_bps, cap_bps, disturbances)
    assert ours == pytest.approx(
        fluid_ends_s(sent, capacity_bps, cap_bps, disturbances), rel=1e-9, abs=1e-9
    )


@given(SENT, DISTURBANCES, st.randoms(use_true_random=False))
def test_what_happens_at_one_instant_commutes(sent, disturbances, random):
    sent = [replace(each, at_s=float(round(each.at_s / 4))) for each in sent]
    order = list(range(len(sent)))
    random.shuffle(order)
    first = ends_s([*sent, Sent(0.0, 4, 1)], None, 7.0, 3.0, disturbances)[:-1]
    second = ends_s([*(sent[i] for i in order), Sent(0.0, 4, 1)], None, 7.0, 3.0, disturbances)[:-1]
    assert second == [first[i] for i in order]


def test_long_busy_periods_lose_no_precision():
    # One transfer is always there: virtual time never stops, at 1e9 bit/s for 10^4 s.
    clock = Clock()
    sharing = ProcessorSharing(capacity_bps=2e9, cap_bps=1e9)
    long = clock.event()
    sharing.begin(clock, 0, 1e13 + 8e3, 1.0, long)
    took_s = []

    def short():
        for start_s in range(0, 10_000, 10):
            yield clock.at(start_s + 1 / 3)
            crossed, begun_s = clock.event(), clock.now
            sharing.begin(clock, 1, 8_000.0, 1.0, crossed)
            yield crossed
            took_s.append(clock.now - begun_s)

    clock.process(short())
    clock.run(until=long)
    # Times of 10^4 s are themselves known to 2e-12 s.
    assert took_s == pytest.approx([8e-6] * 1000, abs=4e-12)
    assert clock.now == pytest.approx(10_000 + 8e-6, abs=1e-9)


def poisson_sojourns_s(sizes_s, load, random):
    """Return how long Poisson arrivals of these sizes stay at a shared capacity of 1 s a second."""
    arrivals_s = np.cumsum(random.exponential(sizes_s.mean() / load, len(sizes_s)))
    clock, sharing = Clock(), ProcessorSharing(1.0, math.inf)
    ended_s = np.empty(len(sizes_s))

    def transfer(number):
        yield crossed[number]
        ended_s[number] = clock.now

    crossed = [clock.event() for _ in sizes_s]

    def arrive():
        for number, at_s in enumerate(arrivals_s.tolist()):
            yield clock.at(at_s)
            sharing.begin(clock, number, float(sizes_s[number]), 1.0, crossed[number])
            clock.process(transfer(number))

    clock.process(arrive())
    clock.run()
    return ended_s - arrivals_s


SIZES = {
    "exponential": lambda random, n: random.exponential(1.0, n),
    "deterministic": lambda _, n: np.ones(n),
    # Two sizes, 0.5 and 10.5 s: squared coefficient of variation 4.75.
    "two sizes": lambda random, n: np.where(random.random(n) < 0.05, 10.5, 0.5),
    # Squared coefficient of variation e - 1, third moment e^3.
    "lognormal": lambda random, n: np.exp(random.normal(-0.5, 1.0, n)),
}


@pytest.mark.parametrize("sizes", SIZES)
def test_the_mean_sojourn_depends_on_the_mean_size_alone(sizes):
    """M/G/1 processor sharing: E[T] = E[S] / (1 - rho), E[T | S = x] = x / (1 - rho).

    Kleinrock, Queueing Systems II (1976), section 4.4. Mean of 30 independent runs, each without
    its first tenth; asserted within 4 standard errors, which chance exceeds once in 2,500 times
    (Student's t with 29 degrees of freedom, two-sided).
    """
    random = np.random.default_rng(11)
    load, runs, transfers = 0.7, 30, 2000
    stretch, slope = [], []
    for _ in range(runs):
        sizes_s = SIZES[sizes](random, transfers)
        sojourns_s = poisson_sojourns_s(sizes_s, load, random)
        kept = slice(transfers // 10, None)
        stretch.append(sojourns_s[kept].mean())
        large = sizes_s[kept] > 1.0
        if large.any():
            slope.append(sojourns_s[kept][large].sum() / sizes_s[kept][large].sum())
    for measured in (stretch, slope):
        if measured:
            error = np.std(measured, ddof=1) / math.sqrt(len(measured))
            assert error < 0.1 * np.mean(measured)
            assert abs(np.mean(measured) - 1 / (1 - load)) < 4 * error


def network(**values):
    figures = {"kind": "cell", "down_bps": 16_000.0, "up_bps": 8_000.0, "rtt_s": 0.2}
    return CellNetwork.model_validate({**figures, "framing": {"header_bytes": 0}, **values})


def carried(links, messages):
    """Send messages of (device, at_s, bytes) upwards; return when each arrives."""
    clock = Clock()
    arrivals = []

    def send(device, at_s, size_bytes, direction=Direction.UP):
        yield clock.at(at_s)
        request = Request(device, 0, at_s, size_bytes, clock.event())
        attempt = Attempt.of(request, at_s)
        yield links.carry(clock, direction, attempt, size_bytes)
        arrivals.append((device, clock.now))

    for message in messages:
        clock.process(send(*message))
    clock.run()
    return dict(arrivals)


def test_bytes_begin_when_the_radio_is_there():
    links = network(radio="3g").links(seed=0, devices=2, steps=1)
    arrived_s = carried(links, [(0, 0.0, 1000), (1, 0.5821, 1000)])
    # The first crosses alone while the second's radio is promoted, and has 1 - 0.5821 s left then.
    # When it has crossed, at 2 s, the second has carried as much, and goes on alone.
    log = links.log.columns()
    assert log.start_s.tolist() == [0.5821, 2 * 0.5821]
    assert arrived_s[0] == pytest.approx(0.5821 + 0.5821 + 2 * (1 - 0.5821) + 0.1)
    assert arrived_s[1] == pytest.approx(0.5821 + 2.0 + 0.1)


def test_a_radio_stays_awake_as_long_as_its_transfer_lasts():
    # 20 s upwards, longer than the tail of 8.912 s; then one downwards, without a promotion.
    links = network(radio="3g").links(seed=0, devices=1, steps=1)
    carried(links, [(0, 0.0, 20_000, Direction.UP), (0, 15.0, 1000, Direction.DOWN)])
    log = links.log.columns()
    assert log.start_s.tolist() == [15.1, 0.5821]
    assert log.end_s.tolist() == pytest.approx([15.6, 0.5821 + 20.0])


def test_a_radio_sleeps_while_a_transfer_pauses_without_coverage():
    gone = Disturbance(5.0, 1000.0, bandwidth_factor=0.0)
    links = network(radio="3g").links(0, 2, 1, [gone])
    arrived_s = carried(links, [(0, 0.0, 10_000), (1, 6.0, 1000)])
    # The second waits for coverage, and then for its radio, while the first goes on.
    assert arrived_s[0] == pytest.approx(1000 + 10 - (5.0 - 0.5821) + 1 + 0.1)
    assert arrived_s[1] == pytest.approx(1000 + 0.5821 + 2 + 0.1)
    log = links.log.columns()
    assert log.device.tolist() == [1, 0, 0]
    assert log.wake_s.tolist() == [1000.0, 0.0, 1000.0]
    assert log.start_s.tolist() == pytest.approx([1000.5821, 0.5821, 1000.0])
    assert log.end_s.tolist() == pytest.approx([1002.5821, 5.0, 1006.5821])
    assert log.wire_bytes.tolist() == [1000, 0, 10_000]


def test_what_never_crosses_is_written_down_as_in_flight():
    gone = Disturbance(5.0, math.inf, bandwidth_factor=0.0)
    links = network(radio="3g").links(0, 2, 1, [gone])
    assert carried(links, [(0, 0.0, 10_000), (1, 6.0, 1000)]) == {}
    log = links.log.columns()
    assert log.wire_bytes.tolist() == [0, 10_000, 1000]
    assert log.end_s.tolist() == [5.0, math.inf, math.inf]


def test_bytes_and_busy_time_are_conserved():
    links = network(loss={"probability": 0.2}).links(seed=0, devices=50, steps=1)
    random = np.random.default_rng(2)
    messages = [(device, float(random.uniform(0, 20)), 3000) for device in range(50)]
    arrived_s = carried(links, messages)
    log = links.log.columns()
    assert sorted(arrived_s) == list(range(50))
    assert log.wire_bytes.sum() - log.lost_bytes.sum() == 50 * 3000
    # The capacity is at work whenever anything is under way: the union of all crossings carries
    # every byte, at the full 8,000 bit/s.
    order = np.argsort(log.start_s)
    start_s, latest_s = log.start_s[order], np.maximum.accumulate(log.end_s[order])
    idle_s = np.maximum(start_s[1:] - latest_s[:-1], 0).sum()
    busy_s = latest_s[-1] - start_s[0] - idle_s
    assert busy_s == pytest.approx(8 * log.wire_bytes.sum() / 8000, rel=1e-9)


def test_devices_are_put_into_cells_by_draw_or_in_order():
    drawn = network(cells=4).cell_of(seed=3, devices=4000)
    assert np.bincount(drawn).tolist() == pytest.approx([1000] * 4, abs=110)
    np.testing.assert_array_equal(network(cells=4).cell_of(3, 5000)[:4000], drawn)
    assert (network(cells=4).cell_of(seed=4, devices=4000) != drawn).any()
    assert network(devices_per_cell=3).cell_of(0, 7).tolist() == [0, 0, 0, 1, 1, 1, 2]


@pytest.mark.parametrize(
    "values",
    [
        {"cells": 0},
        {"cells": 2, "devices_per_cell": 3},
        {"up_bps": 0.0},
        {"down_bps": math.inf},
        {"device_up_bps": 0.0},
        {"rtt_s": -1.0},
    ],
)
def test_impossible_cells_are_refused(values):
    with pytest.raises(ValidationError):
        network(**values)
