"""Message times and presets."""

import numpy as np
import pytest
from pydantic import ValidationError

from sim.clock import Clock
from sim.network.network import Direction
from sim.network.preset import PresetNetwork, presets
from sim.request import Attempt, Request

PLAIN_3G = {
    "preset": "3g",
    "jitter": {"distribution": "none", "sigma": 0.0},
    "bandwidth_spread": 0.0,
}


def network(**values):
    return PresetNetwork.model_validate(values)


def arrival_s(links, direction, size_bytes, device=0, step=0, sent_s=0.0):
    clock = Clock(sent_s)
    request = Attempt.of(Request(device, step, sent_s, size_bytes, clock.event()), sent_s)
    arrival = links.carry(clock, direction, request, size_bytes)
    clock.run()
    assert arrival.value is request
    return clock.now


def test_message_time_is_half_a_round_trip_and_the_bytes():
    links = network(**PLAIN_3G).links(seed=0, devices=1, steps=1)
    # 768 kbit/s up, 1600 kbit/s down, 300 ms round trip.
    assert arrival_s(links, Direction.UP, 304) == pytest.approx(0.15 + 304 * 8 / 768e3)
    assert arrival_s(links, Direction.DOWN, 700, sent_s=2.0) == pytest.approx(
        2.15 + 700 * 8 / 1.6e6
    )


def test_the_ideal_network_takes_no_time():
    links = network(preset="ideal").links(seed=0, devices=2, steps=3)
    assert arrival_s(links, Direction.DOWN, 10**9, device=1, step=2, sent_s=7.0) == 7.0
    busy_s = links.transfers_s(Direction.UP, np.array([0, 1]), np.array([10, 20]))
    np.testing.assert_array_equal(busy_s, [0, 0])


def test_jitter_and_spread_keep_their_means_and_differ_between_devices_and_messages():
    links = network(preset="3g").links(seed=3, devices=4000, steps=4)
    pings = np.array(
        [[links.delay_s(Direction.UP, d, s, 0) for s in range(4)] for d in range(4000)]
    )
    assert pings.mean() == pytest.approx(0.15, rel=0.01)
    assert np.log(pings).std() == pytest.approx(0.3, rel=0.03)
    assert len(np.unique(pings)) == pings.size
    devices = np.arange(4000)
    speed_bps = 8e3 / links.transfers_s(Direction.DOWN, devices, np.full(4000, 1000))
    assert speed_bps.mean() == pytest.approx(1.6e6, rel=0.03)
    assert np.log(speed_bps).std() == pytest.approx(0.47, rel=0.04)


def test_figures_refine_a_preset_and_stand_alone():
    refined = network(preset="3g", rtt_s=0.5)
    assert (refined.rtt_s, refined.up_bps, refined.radio) == (0.5, 768e3, "3g")
    steadier = network(preset="3g", jitter={"sigma": 0.1}).jitter
    assert (steadier.distribution, steadier.sigma) == ("lognormal", 0.1)
    own = network(down_bps=1e6, up_bps=5e5, rtt_s=0.1)
    assert (own.preset, own.radio, own.bandwidth_spread) == ("explicit", "none", 0.0)
    assert network().preset == "4g"


def test_every_preset_is_complete_and_names_its_source():
    for name in presets():
        assert network(preset=name).source


@pytest.mark.parametrize(
    "values",
    [
        {"preset": "5g"},
        {"preset": "3g", "down_bps": -1.0},
        {"preset": "3g", "bandwidth_spread": float("inf")},
        {"preset": "3g", "jitter": {"distribution": "none", "sigma": 0.2}},
        {"preset": "ideal", "jitter": {"distribution": "lognormal"}},
        {"preset": "3g", "rtt_s": -0.1},
        {"down_bps": 1e6},
        {"preset": "3g", "radio": "6g"},
        {**network(preset="3g").model_dump(), "preset": "wifi"},
    ],
)
def test_impossible_networks_are_refused(values):
    with pytest.raises(ValidationError):
        network(**values)
