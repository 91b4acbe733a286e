"""Radios cost what they cost by the end of the simulation, and no more than there was time for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radio_by_hand import MEGABIT, RADIO, columns, crossings, energy
from random_world import make_world

from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.engine import simulate
from sim.network.cell import CellNetwork
from sim.network.preset import PresetNetwork
from sim.policies.always import Always
from sim.policies.periodic import Periodic
from sim.radio.energy import radio_energy_j
from sim.radio.meter import RadioMeter
from sim.radio.radio import Radio

# A megabit up from 1 to 5 s, after a promotion from 0 s.
UPLOAD = (0, 1.0, 5.0, MEGABIT, 0, 0.0, 0)


@pytest.mark.parametrize(
    ("horizon_s", "promotion_j", "transfer_j", "tail_j"),
    [
        (0.0, 0.0, 0.0, 0.0),
        (0.25, 0.75, 0.0, 0.0),  # 3 W
        (1.0, 3.0, 0.0, 0.0),
        (2.0, 3.0, 0.5 * 0.25 + 1.0, 0.0),  # a quarter of the megabit, and a second at 1 W
        (5.0, 3.0, 0.5 + 4.0, 0.0),
        (8.0, 3.0, 4.5, 6.0),  # 2 W
        (17.0, 3.0, 4.5, 22.0),  # 10 s at 2 W, 2 s at 1 W
        (20.0, 3.0, 4.5, 25.0),
        (np.inf, 3.0, 4.5, 25.0),
    ],
)
def test_each_state_is_cut_at_the_end(horizon_s, promotion_j, transfer_j, tail_j):
    assert energy(UPLOAD, horizon_s=horizon_s) == pytest.approx(
        {"promotion": promotion_j, "transfer": transfer_j, "tail": tail_j}
    )


def test_what_overlaps_at_the_end_pays_for_its_own_bytes_and_once_for_the_time():
    # By 4 s, half of a megabit down as well, from 3 to 5 s; what begins later costs nothing yet.
    down = (0, 3.0, 5.0, 0, MEGABIT, 3.0, 0)
    later = (0, 4.5, 9.0, 0, MEGABIT, 4.5, 0)
    assert energy(UPLOAD, down, later, horizon_s=4.0) == pytest.approx(
        {"promotion": 3.0, "transfer": 0.5 * 0.75 + 0.25 * 0.5 + 3.0, "tail": 0.0}
    )


def test_bytes_that_take_no_time_have_crossed_if_they_did_so_by_the_end():
    at_once = (0, 2.0, 2.0, MEGABIT, 0)
    assert energy(at_once, horizon_s=2.0)["transfer"] == 0.5
    assert energy(at_once, horizon_s=1.9)["transfer"] == 0.0


def test_what_never_ends_costs_what_it_has_cost_by_the_end():
    assert energy((0, 1.0, np.inf, MEGABIT, 0, 0.0, 0), horizon_s=6.0) == pytest.approx(
        {"promotion": 3.0, "transfer": 5.0, "tail": 0.0}
    )


@pytest.mark.parametrize("seed", range(8))
def test_no_state_ever_gives_energy_back_nor_takes_more_than_its_power(seed):
    transfers = list(crossings(60, seed))
    log = columns(transfers)
    megabits = 8e-6 * sum(each.wire_bytes for _, each in transfers)
    before = dict.fromkeys(("promotion", "transfer", "tail"), 0.0)
    # Three devices at 3 W in promotion, 1 W and the bytes in transfers, 2 W in tails.
    most_w = {"promotion": 9.0, "transfer": 3.0, "tail": 6.0}
    for horizon_s in np.arange(0.0, 260.0, 0.5):
        spent_j = radio_energy_j((RADIO,), log, horizon_s)
        for state, own_j in spent_j.items():
            bits_j = 0.5 * megabits if state == "transfer" else 0.0
            taken_j = own_j - before[state]
            assert -1e-9 <= taken_j <= 0.5 * most_w[state] + bits_j + 1e-9
        before = spent_j
    assert before == pytest.approx(radio_energy_j((RADIO,), log))


@pytest.mark.parametrize("seed", range(8))
def test_a_meter_agrees_whenever_everything_is_over(seed):
    transfers = list(crossings(60, seed))
    last_s = max(each.end_s for _, each in transfers)
    for time_s in last_s + np.array([0.5, 4.0, 12.0, 100.0]):
        meter = RadioMeter([RADIO])
        for device, crossing in transfers:
            meter.note(device, crossing)
        total_j = sum(meter.energy_j(device, time_s) for device in range(3))
        until_then = radio_energy_j((RADIO,), columns(transfers), time_s)
        assert total_j == pytest.approx(sum(until_then.values()))


def cell(radio, capacity_bps, loss=0.0):
    return CellNetwork.model_validate(
        {
            "kind": "cell",
            "up_bps": capacity_bps,
            "down_bps": capacity_bps,
            "rtt_s": 0.1,
            "radio": radio,
            "loss": {"probability": loss},
        }
    )


def preset(name, loss):
    return PresetNetwork.model_validate({"preset": name, "loss": {"probability": loss}})


def assert_possible(world):
    """Check that no device's radio took more than its greatest power all the time."""
    result = simulate(world)
    radio, traffic = Radio.named(world.network.radio), result.network.traffic
    time_s = world.devices * result.interactions.horizon_s
    most_w = max(radio.beta_w, radio.promotion_w, *(power_w for _, power_w in radio.tail))
    bits_j = 8e-6 * (
        radio.alpha_up_w_per_mbps * traffic.up.sent_bytes
        + radio.alpha_down_w_per_mbps * traffic.down.sent_bytes
    )
    spent_j = {state: result.energy_j[f"radio_{state}"] for state in ("promotion", "tail")}
    transfer_j = result.energy_j["radio_transfer"]
    assert min(transfer_j, *spent_j.values()) >= 0
    assert transfer_j <= (radio.beta_w * time_s + bits_j) * (1 + 1e-9)
    assert spent_j["promotion"] <= radio.promotion_w * time_s * (1 + 1e-9)
    assert transfer_j + sum(spent_j.values()) <= (most_w * time_s + bits_j) * (1 + 1e-9)


def test_a_reply_that_takes_far_longer_than_the_run_costs_what_the_run_lasts():
    world = make_world(
        devices=3,
        users=3,
        steps=2,
        start_spread_s=2.0,
        think_s=np.full((3, 1), 3.5),
        policy=Always(),
        network=cell("lte", 1000.0),
    )
    result = simulate(world)
    assert result.interactions.horizon_s < 6
    radio_j = sum(own_j for state, own_j in result.energy_j.items() if "radio" in state)
    # 1.288 W while bytes cross, and a little for the few bits that do.
    assert 0 < radio_j < 3 * 6 * 1.3
    assert_possible(world)


NETWORKS = st.one_of(
    st.builds(preset, st.sampled_from(["3g", "lte", "wifi"]), st.sampled_from([0.0, 0.2])),
    st.builds(
        cell,
        st.sampled_from(["3g", "lte", "wifi"]),
        st.sampled_from([1e3, 2e4, 1e6]),
        st.sampled_from([0.0, 0.2]),
    ),
)


@given(
    network=NETWORKS,
    devices=st.integers(1, 20),
    steps=st.integers(2, 8),
    seed=st.integers(0, 1000),
    every=st.integers(1, 3),
    start_spread_s=st.sampled_from([0.0, 2.0, 60.0]),
    mode=st.sampled_from(["stale", "wait"]),
    timeout_s=st.sampled_from([0.3, 1.0, 30.0]),
    attempts=st.integers(1, 3),
    service_s=st.sampled_from([0.0, 0.5, 5.0]),
)
@settings(max_examples=120, deadline=None)
def test_no_radio_takes_more_than_its_greatest_power_all_the_time(
    network,
    devices,
    steps,
    seed,
    every,
    start_spread_s,
    mode,
    timeout_s,
    attempts,
    service_s,
):
    retry = {"attempts": attempts, "attempt_timeout_s": timeout_s / 2, "backoff_s": 0.1}
    assert_possible(
        make_world(
            devices=devices,
            users=10,
            steps=steps,
            seed=seed,
            start_spread_s=start_spread_s,
            policy=Periodic(every=every),
            network=network,
            serving=ServingSettings.model_validate(
                {
                    "mode": mode,
                    "deadline_s": 2.0,
                    "timeout_s": timeout_s,
                    "retry": retry if attempts > 1 else {},
                }
            ),
            cloud=CloudSettings(
                batching=StaticBatching(size=3, wait_s=0.25),
                service_time=FixedServiceTime(seconds=service_s),
            ),
        )
    )
