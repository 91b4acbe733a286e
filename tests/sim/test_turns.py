"""Messages of one phone cross its link one after the other."""

import math
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.client.request import Attempt, Request
from sim.clock import Clock
from sim.network.cell import CellNetwork
from sim.network.disturbances import Disturbance
from sim.network.message import Direction
from sim.network.mobility import MobilityNetwork
from sim.network.preset import PresetNetwork
from sim.network.trace import TraceNetwork

UP, DOWN = Direction.UP, Direction.DOWN
# A message of 960 bytes is one of 1000 with its headers: a second at 8 kbit/s.
SECOND_BYTES = 960
SLOW = {"up_bps": 8000.0, "down_bps": 8000.0, "rtt_s": 0.0}


def arrivals_s(links, sent):
    """Send messages, each a time, a direction, a device and a size; return when each arrives."""
    clock, arrived = Clock(), [math.inf] * len(sent)

    def send(number, sent_s, direction, device, size_bytes):
        yield clock.at(sent_s)
        request = Request(device, number, sent_s, size_bytes, clock.event())
        attempt = Attempt.of(request, sent_s)
        yield links.carry(clock, direction, attempt, size_bytes)
        arrived[number] = clock.now

    for number, each in enumerate(sent):
        clock.process(send(number, *each))
    clock.run()
    return arrived


def links_of(network, /, devices=2, disturbances=(), **values):
    return network.model_validate({**SLOW, **values}).links(0, devices, 60, disturbances)


@pytest.mark.parametrize(
    ("network", "values"),
    [
        (PresetNetwork, {}),
        # Losses that never happen: the links are there, but nothing is foreseen.
        (PresetNetwork, {"loss": {"probability": 1e-300}}),
        (CellNetwork, {"kind": "cell", "cells": 2, "up_bps": 1e6, "device_up_bps": 8000.0}),
    ],
)
def test_a_message_waits_for_the_one_before_it(network, values):
    sent = [(0.0, UP, 0, SECOND_BYTES), (0.5, UP, 0, SECOND_BYTES), (0.75, UP, 0, SECOND_BYTES)]
    others = [(0.5, UP, 1, SECOND_BYTES), (0.5, DOWN, 0, SECOND_BYTES)]
    links = links_of(network, **values)
    arrived = arrivals_s(links, [*sent, *others, (9.0, UP, 0, SECOND_BYTES)])
    assert arrived == pytest.approx([1.0, 2.0, 3.0, 1.5, 1.5, 10.0])


def test_a_device_has_one_share_of_its_cell_however_much_it_sends():
    links = links_of(CellNetwork, kind="cell")
    sent = [(0.0, UP, 0, SECOND_BYTES), (0.0, UP, 0, SECOND_BYTES), (0.0, UP, 1, SECOND_BYTES)]
    arrived = arrivals_s(links, sent)
    # The first of device 0 and that of device 1 share; then the second has the cell to itself.
    assert arrived == pytest.approx([2.0, 3.0, 2.0])


def test_jitter_puts_no_reply_before_an_earlier_one():
    jitter = {"distribution": "lognormal", "sigma": 1.5}
    links = links_of(PresetNetwork, devices=1, rtt_s=2.0, down_bps=1e9, jitter=jitter)
    arrived = arrivals_s(links, [(0.1 * number, DOWN, 0, 100) for number in range(60)])
    assert (np.diff(arrived) > 0).all()


def test_the_queue_of_a_trace_keeps_the_order_of_sending(tmp_path):
    (tmp_path / "trace").write_text("1000\n")
    trace = str(tmp_path / "trace")
    jitter = {"distribution": "lognormal", "sigma": 1.5}
    values = {"kind": "trace", "up": trace, "down": trace, "rtt_s": 2.0, "jitter": jitter}
    links = TraceNetwork.model_validate(values).links(0, 1, 60)
    # Numbers of steps fall, so that nothing but the order of sending can bring them into order.
    arrived = arrivals_s(links, [(5.9 - 0.1 * step, DOWN, 0, 1460) for step in range(60)])
    assert (np.diff(arrived) < 0).all()


def test_a_message_that_never_crosses_blocks_no_later_one():
    lost = Disturbance(0.5, math.inf, bandwidth_factor=0.0)
    links = links_of(PresetNetwork, disturbances=[lost])
    arrived = arrivals_s(links, [(0.0, UP, 0, SECOND_BYTES), (0.1, UP, 0, SECOND_BYTES)])
    assert arrived == [math.inf, math.inf]
    log = links.log.columns()
    assert log.wire_bytes.sum() == 2 * (SECOND_BYTES + 40)


def test_what_waits_goes_on_after_a_gap_in_coverage():
    gap = Disturbance(0.5, 5.5, bandwidth_factor=0.0)
    links = links_of(PresetNetwork, disturbances=[gap])
    sent = [(0.0, UP, 0, SECOND_BYTES), (0.1, UP, 0, SECOND_BYTES), (0.2, UP, 1, SECOND_BYTES)]
    assert arrivals_s(links, sent) == pytest.approx([6.0, 7.0, 6.2])


SENT = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.3, 1.0, 1.1, 2.5, 8.0, 20.0]),
        st.sampled_from([UP, DOWN]),
        st.integers(0, 1),
        st.sampled_from([0, 100, 960, 5000]),
    ),
    max_size=12,
)
JITTERED = {"rtt_s": 3.0, "jitter": {"distribution": "lognormal", "sigma": 0.8}, "radio": "3g"}
REGIMES = {
    "regimes": {
        "slow": {**SLOW, **JITTERED},
        "fast": {**JITTERED, "up_bps": 64e3, "down_bps": 64e3, "radio": "lte"},
    },
    "markov": {"mean_s": {"slow": 3.0, "fast": 2.0, "none": 0.5}},
}


def links_between_regimes(**values):
    regimes = {name: {**figures, **values} for name, figures in REGIMES["regimes"].items()}
    settings = {"kind": "mobility", **REGIMES, "regimes": regimes}
    return MobilityNetwork.model_validate(settings).links(0, 2, 60)


@given(sent=SENT, mobile=st.booleans())
@settings(max_examples=80)
def test_foreseeing_changes_nothing(sent, mobile):
    # Losses that never happen: nothing is foreseen.
    lossy = {"loss": {"probability": 1e-300}}
    if mobile:
        foreseen, unforeseen = links_between_regimes(), links_between_regimes(**lossy)
    else:
        foreseen = links_of(PresetNetwork, **JITTERED)
        unforeseen = links_of(PresetNetwork, **JITTERED, **lossy)
    assert arrivals_s(foreseen, sent) == arrivals_s(unforeseen, sent)
    ours, plain = foreseen.log.columns(), unforeseen.log.columns()
    for name in ("device", "direction", "wake_s", "start_s", "end_s", "arrived_s", "wire_bytes"):
        one, other = (
            getattr(log, name)[np.lexsort((log.sent_s, log.end_s, log.direction, log.device))]
            for log in (ours, plain)
        )
        np.testing.assert_array_equal(one, other)


@given(sent=SENT, mobile=st.booleans())
@settings(max_examples=60)
def test_a_link_carries_one_message_at_a_time_in_order(sent, mobile):
    if mobile:
        links = links_between_regimes()
    else:
        links = links_of(PresetNetwork, **JITTERED, loss={"probability": 0.3})
    arrivals_s(links, sent)
    log = links.log.columns()
    crossings = defaultdict(list)
    for row in range(len(log.device)):
        key = log.device[row], log.direction[row]
        crossings[key].append((log.start_s[row], log.end_s[row]))
    for each in crossings.values():
        each.sort()
        for (_, end_s), (start_s, _) in pairwise(each):
            assert start_s >= end_s
