"""Links that change with the regime: transfers by hand, and against naive integration."""

import math
from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mobile_network import BY_CLASS, FAST, SLOW, assert_binomial, chain, network
from pydantic import TypeAdapter, ValidationError

from sim.client.request import Attempt, Request
from sim.clock import Clock
from sim.network import AnyNetwork
from sim.network.message import Direction
from sim.network.mobility import MobilityNetwork
from sim.network.preset import PresetNetwork
from sim.radio.energy import radio_energy_j
from sim.radio.radio import Radio


def send(links, clock, direction, size_bytes, device=0, step=0):
    request = Request(device, step, clock.now, size_bytes, clock.event())
    return links.carry(clock, direction, Attempt(request, device, step, 0, clock.now), size_bytes)


def arrival_s(links, direction, size_bytes, sent_s=0.0, device=0):
    """When a message arrives; infinite if it never does."""
    clock = Clock(sent_s)
    arrival = send(links, clock, direction, size_bytes, device)
    arrived_s = []
    arrival.callbacks.append(lambda _: arrived_s.append(clock.now))
    clock.run()
    return arrived_s[0] if arrived_s else math.inf


def test_a_transfer_goes_on_at_the_speed_of_the_new_regime():
    links = network(
        regimes={"fast": FAST, "slow": SLOW}, schedule=[(0.0, "slow"), (10.0, "fast")]
    ).links(seed=0, devices=2, steps=1)
    # 1000 bytes a second for 2 s, and the other 8000 bytes at a million a second; the latency is
    # the slow regime's, in which it was sent.
    assert arrival_s(links, Direction.UP, 10_000, sent_s=8.0) == pytest.approx(10.0 + 0.008 + 0.2)
    # Downwards the latency comes first: 1 s for 2000 bytes is left of the slow regime.
    assert arrival_s(links, Direction.DOWN, 4000, sent_s=8.8) == pytest.approx(10.0 + 0.001)
    # What ends just in time has nothing of the new regime.
    assert arrival_s(links, Direction.UP, 2000, sent_s=8.0, device=1) == pytest.approx(10.2)
    assert arrival_s(links, Direction.UP, 1000, sent_s=10.0, device=1) == pytest.approx(10.051)
    log = links.log.columns()
    assert log.wire_bytes.tolist() == [2000, 8000, 2000, 2000, 2000, 1000]
    np.testing.assert_allclose(log.end_s, [10.0, 10.008, 10.0, 10.001, 10.0, 10.001])
    np.testing.assert_allclose(log.arrived_s, [10.2, 10.208, 10.0, 10.001, 10.2, 10.051])


def test_bytes_wait_for_coverage():
    links = network(
        regimes={"fast": FAST, "slow": SLOW},
        schedule=[(0.0, "slow"), (1.0, "none"), (5.0, "slow"), (6.0, "none"), (9.0, "fast")],
    ).links(seed=0, devices=2, steps=1)
    # A second at 1000 bytes a second, twice, and the rest when there is coverage again.
    assert arrival_s(links, Direction.UP, 3000) == pytest.approx(9.0 + 0.001 + 0.2)
    # Sent without coverage: the latency is that of the regime that comes next, which is slow.
    up_s = arrival_s(links, Direction.UP, 500, sent_s=2.0, device=1)
    assert up_s == pytest.approx(5.0 + 0.5 + 0.2)
    assert arrival_s(links, Direction.DOWN, 2000, sent_s=2.0) == pytest.approx(6.0)
    assert [links.covered(0, time_s) for time_s in (0.0, 0.999, 1.0, 5.0, 7.0, 9.0)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]


def test_what_waits_for_coverage_that_never_comes_back_never_arrives():
    links = network(regimes={"slow": SLOW}, schedule=[(0.0, "slow"), (1.0, "none")]).links(0, 1, 1)
    assert arrival_s(links, Direction.UP, 3000) == math.inf
    assert arrival_s(links, Direction.DOWN, 3000, sent_s=2.0) == math.inf
    log = links.log.columns()
    assert log.wire_bytes.tolist() == [1000, 2000, 3000]
    assert np.isinf(log.arrived_s).tolist() == [False, True, True]
    assert log.sent_s.tolist() == [0.0, 0.0, 2.0]


def test_what_is_lost_for_want_of_coverage_costs_no_radio():
    links = network(
        regimes={"3g": {**SLOW, "radio": "3g"}}, schedule=[(0.0, "none"), (9.0, "3g")]
    ).links(0, 1, 1)
    clock = Clock()
    request = Request(0, 0, 0.0, 300, clock.event())
    links.lose(clock, Direction.UP, Attempt.of(request, 0.0), 300)
    clock.run()
    log = links.log.columns()
    assert (log.wire_bytes.tolist(), log.lost_bytes.tolist()) == ([300], [300])
    assert (log.radio.tolist(), log.arrived_s.tolist()) == ([-1], [math.inf])


def test_a_handover_promotes_the_new_radio_before_bytes_go_on():
    umts, lte = Radio.named("3g"), Radio.named("lte")
    links = network(
        regimes={"3g": {**SLOW, "radio": "3g"}, "4g": {**FAST, "radio": "lte"}},
        schedule=[(0.0, "3g"), (10.0, "4g"), (20.0, "none"), (40.0, "4g"), (100.0, "3g")],
    ).links(seed=0, devices=1, steps=1)
    # Promoted until 8.5821 s, 1417 bytes by 10 s, then LTE's promotion, then a million a second.
    crossed_bytes = (10.0 - 8.0 - umts.promotion_s) * 1000
    end_s = 10.0 + lte.promotion_s + (10_000 - crossed_bytes) / 1e6
    assert arrival_s(links, Direction.UP, 10_000, sent_s=8.0) == pytest.approx(end_s + 0.2)
    transfers = links.log.columns()
    assert transfers.radio.tolist() == [0, 1]
    assert transfers.wire_bytes.tolist() == [1417, 8583]
    energy = radio_energy_j([umts, lte], transfers)
    assert energy == pytest.approx(
        {
            "promotion": umts.promotion_s * umts.promotion_w + lte.promotion_s * lte.promotion_w,
            "transfer": umts.alpha_up_w_per_mbps * 8 * 1417e-6
            + umts.beta_w * (2.0 - umts.promotion_s)
            + lte.alpha_up_w_per_mbps * 8 * 8583e-6
            + lte.beta_w * (end_s - 10.0 - lte.promotion_s),
            # The first radio's tail is cut at once, the second one's lasts.
            "tail": 11.576 * 1.06,
        }
    )


def test_a_gap_in_coverage_is_no_transfer_and_its_end_may_need_a_promotion():
    lte = Radio.named("lte")
    links = network(
        regimes={"4g": {**SLOW, "radio": "lte"}},
        schedule=[(0.0, "4g"), (2.0, "none"), (5.0, "4g"), (6.0, "none"), (60.0, "4g")],
    ).links(seed=0, devices=1, steps=1)
    # Promotion, 1.7399 s of bytes, 3 s within the tail, 1 s of bytes, 54 s beyond it, promotion.
    left_bytes = 3000 - 1000 * (2.0 - lte.promotion_s + 1.0)
    end_s = 60.0 + lte.promotion_s + left_bytes / 1000
    assert arrival_s(links, Direction.UP, 3000) == pytest.approx(end_s + 0.2)
    energy = radio_energy_j([lte], links.log.columns())
    assert energy == pytest.approx(
        {
            "promotion": 2 * lte.promotion_s * lte.promotion_w,
            "transfer": lte.alpha_up_w_per_mbps * 8 * 3000e-6 + lte.beta_w * 3.0,
            "tail": 1.06 * (3.0 + 11.576 + 11.576),
        }
    )


def test_a_promotion_that_a_change_cuts_short_was_for_nothing():
    umts, lte = Radio.named("3g"), Radio.named("lte")
    links = network(
        regimes={"3g": {**SLOW, "radio": "3g"}, "4g": {**FAST, "radio": "lte"}},
        schedule=[(0.0, "3g"), (10.0, "4g")],
    ).links(seed=0, devices=1, steps=1)
    assert arrival_s(links, Direction.UP, 1000, sent_s=9.5) == pytest.approx(
        10.0 + lte.promotion_s + 0.001 + 0.2
    )
    promotion_j = radio_energy_j([umts, lte], links.log.columns())["promotion"]
    assert promotion_j == pytest.approx(
        umts.promotion_s * umts.promotion_w + lte.promotion_s * lte.promotion_w
    )


def test_one_regime_for_ever_is_the_network_itself():
    preset = PresetNetwork.model_validate({"preset": "3g"})
    mobile = TypeAdapter(AnyNetwork).validate_python(
        {
            "kind": "mobility",
            "regimes": {"3g": {"preset": "3g"}},
            "schedule": ({"at_s": 0.0, "regime": "3g"},),
        }
    )
    for sent_s in (0.0, 1.0, 50.0):
        ours, theirs = mobile.links(5, 20, 2), preset.links(5, 20, 2)
        for direction in Direction:
            took_s = [arrival_s(links, direction, 777, sent_s) for links in (ours, theirs)]
            assert took_s[0] == took_s[1]


def naive_end_s(start_s, size_bytes, changes, bytes_per_s):
    """When the last byte has crossed, by adding up all stretches from the first one on."""
    left = size_bytes
    starts = [at_s for at_s, _ in changes]
    for begin_s, end_s, (_, regime) in zip(starts, [*starts[1:], math.inf], changes, strict=True):
        begin_s, rate = max(begin_s, start_s), bytes_per_s[regime]
        if begin_s >= end_s or not rate:
            continue
        if begin_s + left / rate <= end_s:
            return begin_s + left / rate
        left -= rate * (end_s - begin_s)
    return math.inf


REGIMES = {"fast": FAST, "slow": SLOW, "middle": {"up_bps": 8e4, "down_bps": 8e4, "rtt_s": 0.0}}


@given(
    gaps_s=st.lists(st.floats(0.01, 20.0), min_size=0, max_size=12),
    names=st.lists(st.sampled_from([*REGIMES, "none"]), min_size=13, max_size=13),
    sent_s=st.floats(0.0, 60.0),
    size_bytes=st.integers(0, 60_000),
    up=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_transfers_equal_a_naive_integration_over_all_changes(
    gaps_s, names, sent_s, size_bytes, up
):
    times_s = np.concatenate(([0.0], np.cumsum(gaps_s)))
    changes = list(zip(times_s.tolist(), names, strict=False))
    links = network(regimes=REGIMES, schedule=changes).links(seed=0, devices=1, steps=1)
    direction, key = (Direction.UP, "up_bps") if up else (Direction.DOWN, "down_bps")
    bytes_per_s = {name: figures[key] / 8 for name, figures in REGIMES.items()} | {"none": 0.0}
    known = [at_s for at_s, _ in changes]
    now = bisect_right(known, sent_s) - 1
    ahead = [name for _, name in changes[now:] if name != "none"]
    latency_s = REGIMES[ahead[0]]["rtt_s"] / 2 if ahead else 0.0
    start_s = sent_s if up else sent_s + latency_s
    end_s = naive_end_s(start_s, size_bytes, changes, bytes_per_s)
    expected_s = end_s + latency_s if up else end_s
    arrived_s = arrival_s(links, direction, size_bytes, sent_s)
    assert arrived_s == pytest.approx(expected_s, rel=1e-9, abs=1e-6)
    log = links.log.columns()
    assert log.wire_bytes.sum() == size_bytes
    assert (log.wire_bytes >= 0).all()
    assert (log.wake_s <= log.start_s).all()
    assert (log.start_s <= log.end_s).all()
    finite = np.isfinite(log.end_s)
    rates = [
        bytes_per_s[changes[bisect_right(known, start) - 1][1]]
        for start in log.start_s[finite].tolist()
    ]
    # Each leg crosses at its own regime's speed; a byte that is cut counts with the later one.
    took_s = log.end_s[finite] - log.start_s[finite]
    assert np.abs(took_s * rates - log.wire_bytes[finite]).max(initial=0.0) <= 1.01


def test_each_regime_loses_its_own_share_of_packets():
    lossy = {**FAST, "loss": {"probability": 0.4}}
    links = network(
        regimes={"good": FAST, "bad": lossy}, schedule=[(0.0, "good"), (500.0, "bad")]
    ).links(seed=2, devices=1500, steps=1)
    clock = Clock()

    def all_devices():
        for at_s in (1.0, 600.0):
            yield clock.at(at_s)
            for device in range(1500):
                send(links, clock, Direction.UP, 300, device=device, step=int(at_s > 500))

    clock.process(all_devices())
    clock.run()
    log = links.log.columns()
    first = log.transmission == 0
    early = log.sent_s < 500
    assert not log.lost_bytes[early].any()
    assert_binomial((log.lost_bytes > 0)[first & ~early].sum(), 1500, 0.4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "give markov, schedule or schedules"),
        ({"schedule": [(1.0, "fast")]}, "must begin with the regime at_s 0"),
        ({"schedule": [(0.0, "fast"), (5.0, "slow"), (5.0, "fast")]}, "must ascend"),
        ({"schedule": [(0.0, "5g")]}, "names regime '5g'; there are fast, slow, none"),
        ({"markov": {"mean_s": {"5g": 1.0, "fast": 1.0}}}, "names regime '5g'"),
        ({"markov": {"mean_s": {"slow": 1.0, "fast": 0.0}}}, "must be at least 0.1"),
        ({"markov": {"mean_s": {"slow": 1.0, "fast": 0.001}}}, "must be at least 0.1"),
        ({"markov": {"mean_s": {"slow": 1.0}}}, "leads nowhere"),
        ({"markov": {"mean_s": {"slow": 1.0, "fast": math.inf}}}, "is needed where some regime"),
        (
            {"markov": {"mean_s": {"slow": 1.0, "fast": 1.0}, "next": {"slow": {"slow": 1.0}}}},
            "leads to itself",
        ),
        (
            {"markov": {"mean_s": {"slow": 1.0, "fast": 1.0}, "next": {"slow": {"fast": 0.9}}}},
            "must add up to 1",
        ),
        (
            {"markov": {"mean_s": {"slow": 1.0, "fast": 1.0}, "initial": {"none": 1.0}}},
            "names 'none'; mean_s has slow, fast",
        ),
        ({"schedule": [(0.0, "fast")], "radio": "lte"}, "belongs into each regime"),
        (
            {"schedule": [(0.0, "fast")], "framing": {}},
            "give the same framing beside regimes and in each",
        ),
        (
            {"schedule": [(0.0, "fast")], "markov": {"mean_s": {"slow": 1.0, "fast": 1.0}}},
            "give only one of markov and schedule",
        ),
        (
            {
                "schedules": {
                    "a": {"share": 0.3, "schedule": ({"at_s": 0.0, "regime": "fast"},)},
                }
            },
            "add up to 0.3",
        ),
        ({"schedules": {"a": {"schedule": ({"at_s": 0.0, "regime": "fast"},)}}}, "give share or"),
        ({"schedules": {}}, "at least 1"),
        (
            {
                "schedules": {
                    "a": {
                        "share": 0.3,
                        "device_class": "low",
                        "schedule": ({"at_s": 0.0, "regime": "fast"},),
                    }
                }
            },
            "give only one of share and device_class",
        ),
        (
            {
                "schedules": {
                    "a": {"share": 0.3, "schedule": ({"at_s": 0.0, "regime": "fast"},)},
                    "b": {"device_class": "low", "schedule": ({"at_s": 0.0, "regime": "fast"},)},
                }
            },
            "must go all by share, or all by device_class",
        ),
        (
            {
                "schedules": {
                    "a": {"device_class": "low", "schedule": ({"at_s": 0.0, "regime": "fast"},)},
                    "b": {"device_class": "low", "schedule": ({"at_s": 0.0, "regime": "fast"},)},
                }
            },
            "names class 'low', which follows a already",
        ),
    ],
)
def test_impossible_mobility_is_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        network(regimes={"fast": FAST, "slow": SLOW}, **values)


def test_none_is_the_name_of_no_coverage():
    with pytest.raises(ValidationError, match="is the name of no coverage"):
        network(regimes={"none": FAST}, schedule=[(0.0, "none")])


def test_settings_written_out_are_read_again():
    by_class = network(regimes={"fast": FAST, "slow": SLOW}, schedules=BY_CLASS)
    for mobile in (chain(devices=1)[0], by_class):
        again = TypeAdapter(AnyNetwork).validate_python(mobile.model_dump())
        assert isinstance(again, MobilityNetwork)
        assert again == mobile
