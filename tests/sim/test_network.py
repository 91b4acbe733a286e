"""Message times and presets."""

import numpy as np
import pytest
from pydantic import ValidationError

from sim.client.request import Attempt, Request
from sim.clock import Clock
from sim.network.loss import LossSettings
from sim.network.message import Direction
from sim.network.preset import PresetNetwork, presets
from sim.retraining.records import Push

PLAIN_3G = {
    "preset": "3g",
    "jitter": {"distribution": "none", "sigma": 0.0},
    "bandwidth_spread": 0.0,
}


def network(**values):
    return PresetNetwork.model_validate(values)


def arrival_s(links, direction, size_bytes, device=0, step=0, sent_s=0.0, number=0):
    clock = Clock(sent_s)
    request = Request(device, step, sent_s, size_bytes, clock.event())
    attempt = Attempt(request, device, step, number, sent_s)
    arrival = links.carry(clock, direction, attempt, size_bytes)
    clock.run(until=arrival)
    assert arrival.value is attempt
    return clock.now


def test_message_time_is_half_a_round_trip_and_the_bytes():
    links = network(**PLAIN_3G, radio="none").links(seed=0, devices=1, steps=1)
    # 768 kbit/s up, 1600 kbit/s down, 300 ms round trip, 40 bytes of headers a packet.
    assert arrival_s(links, Direction.UP, 304) == pytest.approx(0.15 + 344 * 8 / 768e3)
    assert arrival_s(links, Direction.DOWN, 1460, sent_s=2.0) == pytest.approx(
        2.15 + 1500 * 8 / 1.6e6
    )
    assert arrival_s(links, Direction.DOWN, 1461, sent_s=3.0) == pytest.approx(
        3.15 + 1541 * 8 / 1.6e6
    )
    log = links.log.columns()
    assert log.wire_bytes.tolist() == [344, 1500, 1541]
    assert log.arrived_s.tolist() == pytest.approx([0.15 + 344 * 8 / 768e3, 2.1575, 3.157705])
    assert (log.wake_s - log.sent_s).tolist() == pytest.approx([0.0, 0.15, 0.15])


def test_a_sleeping_radio_delays_the_first_byte_either_way():
    links = network(**PLAIN_3G).links(seed=0, devices=2, steps=1)
    promoted_s = 0.5821
    up_s = arrival_s(links, Direction.UP, 304)
    assert up_s == pytest.approx(promoted_s + 0.15 + 344 * 8 / 768e3)
    # Within the tail of 8.912 s there is no promotion, beyond it there is.
    assert arrival_s(links, Direction.DOWN, 700, sent_s=9.0) == pytest.approx(9.15 + 0.0037)
    assert arrival_s(links, Direction.DOWN, 700, sent_s=17.9) == pytest.approx(18.05 + 0.0037)
    assert arrival_s(links, Direction.DOWN, 700, sent_s=28.0) == pytest.approx(
        28.15 + promoted_s + 0.0037
    )
    assert arrival_s(links, Direction.DOWN, 700, device=1, sent_s=18.0) == pytest.approx(
        18.15 + promoted_s + 0.0037
    )


def test_what_wakes_the_radio_first_pays_the_promotion_for_a_reply_under_way():
    links = network(**PLAIN_3G).links(seed=0, devices=1, steps=1)
    clock = Clock()
    request = Request(0, 0, 0.0, 304, clock.event())
    reply = links.carry(clock, Direction.DOWN, Attempt.of(request, 0.0), 700)

    def upload():
        yield clock.at(0.1)
        yield links.carry(clock, Direction.UP, Attempt.of(request, 0.1), 304)

    clock.process(upload())
    clock.run(until=reply)
    # The reply reaches the phone at 0.15 s, while the radio is promoted for the upload.
    assert clock.now == pytest.approx(0.1 + 0.5821 + 0.0037)


def test_the_ideal_network_takes_no_time():
    links = network(preset="ideal").links(seed=0, devices=2, steps=3)
    assert arrival_s(links, Direction.DOWN, 10**9, device=1, step=2, sent_s=7.0) == 7.0
    log = links.log.columns()
    assert (log.wake_s == 7.0).all()
    assert (log.end_s == 7.0).all()
    assert log.wire_bytes.tolist() == [10**9]


def test_jitter_and_spread_keep_their_means_and_differ_between_devices_and_messages():
    links = network(preset="3g", radio="none").links(seed=3, devices=2000, steps=4)
    empty = {"size_bytes": 0, "direction": Direction.UP}
    pings = np.array(
        [[arrival_s(links, device=d, step=s, **empty) for s in range(4)] for d in range(2000)]
    )
    log = links.log.columns()
    speed_bps = 8 * log.wire_bytes / (log.end_s - log.start_s)
    assert speed_bps.mean() == pytest.approx(768e3, rel=0.03)
    assert np.log(speed_bps).std() == pytest.approx(0.47, rel=0.04)
    pings -= (log.end_s - log.start_s).reshape(2000, 4)
    assert pings.mean() == pytest.approx(0.15, rel=0.01)
    assert np.log(pings).std() == pytest.approx(0.3, rel=0.03)
    assert len(np.unique(pings)) == pings.size
    again = network(preset="3g", radio="none").links(seed=3, devices=2000, steps=4)
    first, retry = (arrival_s(again, number=number, **empty) for number in (0, 1))
    assert first != retry


def test_lost_packets_cross_again_after_a_timeout_that_doubles():
    loss = {"probability": 0.5, "largest_timeout_s": 1e9}
    lossy = network(**PLAIN_3G, radio="none", loss=loss)
    links = lossy.links(seed=1, devices=2000, steps=1)
    took_s = [arrival_s(links, Direction.UP, 304, device=device) for device in range(2000)]
    log = links.log.columns()
    crossing_s = 344 * 8 / 768e3
    transmissions = np.bincount(log.device, minlength=2000)
    # After n losses the timeouts of 1, 2, 4, ... s have passed.
    expected_s = 0.15 + transmissions * crossing_s + 2.0 ** (transmissions - 1) - 1
    np.testing.assert_allclose(took_s, expected_s)
    assert (transmissions == 1).mean() == pytest.approx(0.5, abs=0.04)
    assert (transmissions >= 3).mean() == pytest.approx(0.25, abs=0.04)
    assert log.wire_bytes.sum() == 344 * transmissions.sum()
    assert log.lost_bytes.sum() == 344 * (transmissions.sum() - 2000)
    assert np.isinf(log.arrived_s).sum() == transmissions.sum() - 2000


def test_only_what_is_lost_of_many_packets_crosses_again():
    lossy = network(**PLAIN_3G, radio="none", loss={"probability": 0.1})
    links = lossy.links(seed=0, devices=1, steps=1)
    arrival_s(links, Direction.DOWN, 1460 * 200)
    log = links.log.columns()
    assert log.wire_bytes[0] == 1500 * 200
    assert log.wire_bytes[1:].tolist() == log.lost_bytes[:-1].tolist()
    assert log.lost_bytes[-1] == 0
    assert 1500 * 5 < log.lost_bytes[0] < 1500 * 40


def test_timeouts_double_up_to_their_bound():
    loss = network(preset="3g", loss={"probability": 0.1, "largest_timeout_s": 5.0}).loss
    assert [loss.timeout_s(k) for k in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]


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
    assert network(preset="hspa_lossy").loss.probability == 0.01
    refined = network(preset="umts_lossy", loss={"initial_timeout_s": 3.0}).loss
    assert (refined.probability, refined.initial_timeout_s) == (0.01, 3.0)


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


def test_lost_packets_of_a_push_are_not_those_of_a_reply():
    losses = LossSettings(probability=0.3)

    def lost(message):
        return losses.lost_packets(0, Direction.DOWN, message, 0, 100)

    pushes = [lost(Push(device, 1, 0.0, 1000)) for device in range(30)]
    request = Request(0, 1, 0.0, 100, Clock().event())
    replies = [lost(Attempt(request, device, 1, 0, 0.0)) for device in range(30)]
    assert sum(ours == theirs for ours, theirs in zip(pushes, replies, strict=True)) < 10
    later = [lost(Push(device, 2, 0.0, 1000)) for device in range(30)]
    assert sum(ours == theirs for ours, theirs in zip(pushes, later, strict=True)) < 10
