"""Bytes sent are received, lost or in flight, each counted on its own."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from random_world import make_world

from sim.client.request import Attempt, Request
from sim.clock import Clock
from sim.engine import simulate
from sim.faults.settings import FaultSettings
from sim.network import AnyNetwork
from sim.network.coverage import CoverageRecords
from sim.network.disturbances import Disturbance
from sim.network.message import Direction
from sim.network.preset import PresetNetwork
from sim.network.traffic import Traffic
from sim.policies.always import Always
from sim.policies.random import Random

# At a kilobyte a second and slower, changes of regime fall into transfers.
THIN = {"up_bps": 8e3, "down_bps": 16e3, "rtt_s": 0.4}
THINNER = {"up_bps": 2e3, "down_bps": 2e3, "rtt_s": 1.0}
LOSSY = {"loss": {"probability": 0.3}}
NETWORKS = {
    "thin": THIN,
    "lossy": {**THIN, **LOSSY},
    "chain": {
        "kind": "mobility",
        "regimes": {
            "3g": {**THIN, **LOSSY, "radio": "3g"},
            "4g": {**THINNER, "radio": "lte"},
        },
        "markov": {"mean_s": {"3g": 3.0, "4g": 5.0, "none": 2.0}},
    },
    "dead end": {
        "kind": "mobility",
        "regimes": {"3g": THIN, "4g": {**THINNER, **LOSSY}},
        "markov": {
            "mean_s": {"3g": 10.0, "4g": 5.0, "none": math.inf},
            "initial": {"3g": 0.5, "4g": 0.5},
        },
    },
}
DISTURBANCES = (
    Disturbance(3.0, 9.0, bandwidth_factor=0.0),
    Disturbance(7.0, 20.0, np.arange(8) % 2 == 0, bandwidth_factor=0.25, extra_latency_s=0.5),
    Disturbance(25.0, math.inf, np.arange(8) == 3, bandwidth_factor=0.0),
)


def network(name):
    return TypeAdapter(AnyNetwork).validate_python(NETWORKS[name])


class Travellers:
    """Messages sent at random, and what their senders and receivers count, without any log."""

    def __init__(self, links, seed):
        generator = np.random.default_rng(seed)
        self.clock, self.links = Clock(), links
        self.sent_s, self.received_s, self.wire_bytes = [], defaultdict(lambda: math.inf), []
        self.up, self.lost_at_once = [], []
        times_s = np.sort(generator.uniform(0.0, 40.0, 30)).tolist()
        self.clock.process(self._send(times_s, generator))
        self.clock.run()

    def _send(self, times_s, generator):
        for number, at_s in enumerate(times_s):
            yield self.clock.at(at_s)
            up, lose = generator.random() < 0.5, generator.random() < 0.1
            device, size = int(generator.integers(0, 8)), int(generator.integers(0, 9000))
            message = Attempt(
                Request(device, 0, at_s, size, self.clock.event()), device, 0, number, at_s
            )
            direction = Direction.UP if up else Direction.DOWN
            self.sent_s.append(at_s)
            self.up.append(up)
            self.lost_at_once.append(lose)
            self.wire_bytes.append(self.links.framing.wire_bytes(size))
            if lose:
                self.links.lose(self.clock, direction, message, size)
            else:
                arrival = self.links.carry(self.clock, direction, message, size)
                arrival.callbacks.append(self._receive)

    def _receive(self, arrival):
        self.received_s[arrival.value.number] = self.clock.now


@given(
    name=st.sampled_from(sorted(NETWORKS)),
    disturbed=st.booleans(),
    seed=st.integers(0, 10_000),
    horizon_s=st.floats(0.0, 60.0),
)
@settings(max_examples=100, deadline=None)
def test_every_byte_is_somewhere(name, disturbed, seed, horizon_s):
    links = network(name).links(seed, 8, 1, DISTURBANCES if disturbed else ())
    counted = Travellers(links, seed)
    log = links.log.columns()
    for flow, up in (
        (Traffic.of(log, horizon_s).up, True),
        (Traffic.of(log, horizon_s).down, False),
    ):
        sent = received = lost = in_flight = again = 0
        for row in range(len(log.device)):
            if (log.direction[row] == Direction.UP) != up or log.sent_s[row] > horizon_s:
                continue
            wire_bytes, lost_bytes = int(log.wire_bytes[row]), int(log.lost_bytes[row])
            assert 0 <= lost_bytes <= wire_bytes
            sent += wire_bytes
            again += wire_bytes if log.transmission[row] else 0
            lost += lost_bytes if log.end_s[row] <= horizon_s else 0
            received += wire_bytes - lost_bytes if log.arrived_s[row] <= horizon_s else 0
            in_flight += lost_bytes if log.end_s[row] > horizon_s else 0
            in_flight += wire_bytes - lost_bytes if log.arrived_s[row] > horizon_s else 0
        assert sent == received + lost + in_flight
        assert (flow.sent_bytes, flow.received_bytes) == (sent, received)
        assert (flow.lost_bytes, flow.in_flight_bytes) == (lost, in_flight)
        assert flow.retransmitted_bytes == again
        # What senders gave away for the first time, without a look at the log.
        given_away = sum(
            size
            for at_s, size, way in zip(counted.sent_s, counted.wire_bytes, counted.up, strict=True)
            if way == up and at_s <= horizon_s
        )
        assert flow.sent_bytes - flow.retransmitted_bytes == given_away
        # Whole messages that are there; of others, parts can be.
        complete = sum(
            size
            for number, (size, way) in enumerate(zip(counted.wire_bytes, counted.up, strict=True))
            if way == up and counted.received_s[number] <= horizon_s
        )
        assert flow.received_bytes >= complete


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("disturbed", [False, True])
def test_in_the_end_everything_is_received_that_ever_can_be(name, disturbed):
    for seed in range(5):
        links = network(name).links(seed, 8, 1, DISTURBANCES if disturbed else ())
        counted = Travellers(links, seed)
        traffic = Traffic.of(links.log.columns(), 1e12)
        for flow, up in ((traffic.up, True), (traffic.down, False)):
            mine = [number for number, way in enumerate(counted.up) if way == up]
            complete = sum(
                counted.wire_bytes[number] for number in mine if number in counted.received_s
            )
            waiting = [
                number
                for number in mine
                if number not in counted.received_s and not counted.lost_at_once[number]
            ]
            at_once = sum(
                counted.wire_bytes[number] for number in mine if counted.lost_at_once[number]
            )
            assert flow.lost_bytes - at_once >= 0
            if waiting:
                assert name == "dead end" or disturbed
                assert flow.in_flight_bytes > 0
                continue
            assert flow.in_flight_bytes == 0
            assert flow.received_bytes == complete
            assert flow.lost_bytes == flow.retransmitted_bytes + at_once


def test_cause_precedes_effect():
    for name in NETWORKS:
        links = network(name).links(1, 8, 1, DISTURBANCES)
        Travellers(links, 1)
        log = links.log.columns()
        assert (log.sent_s <= log.wake_s).all()
        assert (log.wake_s <= log.start_s).all()
        assert (log.start_s <= log.end_s).all()
        assert (log.end_s <= log.arrived_s).all()


def world(name="thin", **parts):
    return make_world(
        devices=60,
        steps=8,
        start_spread_s=60.0,
        policy=parts.pop("policy", Always()),
        network=network(name),
        **parts,
    )


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_run_keeps_its_bytes(name):
    faults = FaultSettings.model_validate(
        {
            "regions": 3,
            "coverage_losses": ({"start_s": 40.0, "duration_s": 60.0, "regions": (1,)},),
            "degradations": ({"start_s": 0.0, "duration_s": 90.0, "bandwidth_factor": 0.3},),
        }
    )
    result = simulate(world(name, faults=faults, policy=Random(probability=0.5)))
    for flow in (result.network.traffic.up, result.network.traffic.down):
        assert flow.sent_bytes > 0
        assert flow.in_flight_bytes >= 0
        assert flow.sent_bytes == flow.received_bytes + flow.lost_bytes + flow.in_flight_bytes
    coverage = result.network.coverage
    assert (coverage.devices.sum(axis=1) == 60).all()
    assert coverage.regimes[-1] == "none"
    assert coverage.devices[:, -1].max() > 0


def test_the_wire_carries_the_payload_and_its_headers():
    result = simulate(world())
    requests, up = result.requests, result.network.traffic.up
    assert up.sent_bytes == requests.bytes_up.sum() + 40 * len(requests.bytes_up)
    arrived = np.isfinite(requests.arrived_cloud_s)
    assert up.received_bytes == (requests.bytes_up + 40)[arrived].sum()
    assert result.network.radio_energy_j == {}


def test_radio_energy_by_radio_adds_up_to_that_by_state():
    result = simulate(world("chain"))
    by_radio = result.network.radio_energy_j
    assert list(by_radio) == ["3g", "lte"]
    for state in ("promotion", "transfer", "tail"):
        assert sum(own[state] for own in by_radio.values()) == result.energy_j[f"radio_{state}"]
        assert min(own[state] for own in by_radio.values()) > 0


def test_coverage_is_only_told_where_there_is_something_to_tell():
    plain = PresetNetwork.model_validate(THIN)
    assert CoverageRecords.of(plain.links(0, 8, 1), 8, 50.0) is None
    slower = Disturbance(0.0, 10.0, bandwidth_factor=0.5)
    assert CoverageRecords.of(plain.links(0, 8, 1, [slower]), 8, 50.0) is None
    coverage = CoverageRecords.of(plain.links(0, 8, 1, DISTURBANCES), 8, 50.0)
    assert coverage.time_s[[0, -1]].tolist() == [0.0, 50.0]
    lost = np.where((coverage.time_s >= 3) & (coverage.time_s < 9), 8, coverage.time_s >= 25)
    np.testing.assert_array_equal(coverage.devices[:, -1], lost)
