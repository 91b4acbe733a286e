"""Batteries that run down and budgets that run out, on worlds small enough to follow by hand."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from radio_by_hand import RADIO, columns, crossings
from random_world import RandomTable, make_world

from sim.client.request import Outcome
from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.battery import BatterySettings
from sim.device.compute_budget import ComputeBudget
from sim.device.settings import DeviceSettings
from sim.engine import simulate
from sim.network.message import Direction
from sim.network.preset import PresetNetwork
from sim.network.transfers import NO_RADIO, Crossing
from sim.policies.always import Always
from sim.policies.consistency import Consistency
from sim.policies.never import Never
from sim.policies.periodic import Periodic
from sim.radio.energy import radio_energy_j
from sim.radio.meter import RadioMeter, spent
from sim.records.interactions import RankedBy

IDEAL = PresetNetwork.model_validate({"preset": "ideal"})
MEGABIT = 125_000
FUSION, LLM = RankedBy.FUSION, RankedBy.LLM
FULL = {"low": 1.0, "high": 1.0}


def one_device(*, policy=None, steps=6, service_s=0.0, **parts):
    """One device that starts at 0, scores for 1 s at 2 W, and thinks for 9 s or, unscored, 9 s."""
    return make_world(
        devices=1,
        users=1,
        steps=steps,
        policy=policy or Never(),
        start_spread_s=0.0,
        think_s=np.full((1, steps - 1), 9.0),
        scoring_flops=1e6,
        **{
            "network": IDEAL,
            "cloud": CloudSettings(
                batching=StaticBatching(size=1, wait_s=0.0),
                service_time=FixedServiceTime(seconds=service_s),
            ),
            **parts,
        },
    )


def phone(**given):
    return DeviceSettings.model_validate(
        {"sustained_flops": 1e6, "active_power_w": 2.0, "battery_j": 100.0, **given}
    )


def test_the_charge_falls_by_scoring_and_idle_power():
    hardware = phone(idle_power_w=1.0, battery={"start": FULL, "saver_below": 0, "stop_below": 0})
    records = simulate(one_device(hardware=hardware)).interactions
    # A step takes 10 s at 1 W, and its scoring 1 s at 2 W.
    np.testing.assert_allclose(records.battery_share[0], 1 - 0.12 * np.arange(6))
    assert (records.ranked_by == FUSION).all()


def test_a_device_re_ranks_less_and_then_not_at_all():
    battery = {"start": FULL, "saver_below": 0.8, "saver_every": 2, "stop_below": 0.6}
    hardware = phone(idle_power_w=1.0, battery=battery)
    result = simulate(one_device(hardware=hardware, steps=7))
    records = result.interactions
    # 1, 0.88: scored. 0.76: saving, and step 2 is scored. 0.64: not step 3, which then takes no
    # second, nor energy. 0.55: below the floor.
    np.testing.assert_array_equal(records.ranked_by[0], [FUSION] * 3 + [LLM] * 4)
    np.testing.assert_allclose(
        records.battery_share[0], [1, 0.88, 0.76, 0.64, 0.55, 0.46, 0.37], rtol=1e-6
    )
    np.testing.assert_allclose(records.decision_s[0], [0, 10, 20, 30, 39, 48, 57])
    np.testing.assert_allclose(records.shown_s[0], [1, 11, 21, 30, 39, 48, 57])
    assert result.energy_j["compute"] == 3 * 2.0
    assert result.energy_j["idle"] == pytest.approx(57.0)


def test_an_empty_battery_is_never_below_nothing_and_re_ranks_nothing():
    battery = {"start": FULL, "saver_below": 0, "stop_below": 0}
    hardware = phone(idle_power_w=4.0, battery=battery)
    records = simulate(one_device(hardware=hardware)).interactions
    np.testing.assert_allclose(records.battery_share[0], [1, 0.58, 0.16, 0, 0, 0], atol=1e-6)
    np.testing.assert_array_equal(records.ranked_by[0], [FUSION] * 3 + [LLM] * 3)


def test_the_charge_at_a_decision_knows_the_radio_up_to_then():
    network = PresetNetwork.model_validate(
        {
            "down_bps": 1e6,
            "up_bps": 1e6,
            "rtt_s": 0.0,
            "radio": "3g",
            "framing": {"header_bytes": 0},
        }
    )
    battery = {"start": FULL, "saver_below": 0, "stop_below": 0}
    result = simulate(
        one_device(
            policy=Periodic(every=6),
            network=network,
            hardware=phone(sustained_flops=float("inf"), battery=battery),
            steps=8,
        )
    )
    records, request = result.interactions, result.requests
    share = records.battery_share[0]
    assert (share[:6] == 1).all()  # asked at step 5, at 45 s
    assert request.sent_s[0] == 45.0
    # By 54 s: promotion, both transfers, and the tail up to then, of which 8.088 s are the first.
    up_s, down_s = 8 * request.bytes_up[0] / 1e6, 8 * request.bytes_down[0] / 1e6
    radio_j = 0.5821 * 0.6594
    radio_j += (0.86898 + 0.81788) * up_s + (0.12212 + 0.81788) * down_s
    tail_s = 54 - 45 - 0.5821 - up_s - down_s
    radio_j += 8.088 * 0.8039 + (tail_s - 8.088) * 0.6013
    assert 8.088 < tail_s < 8.088 + 0.824
    assert share[6] == pytest.approx(1 - radio_j / 100)
    # By 63 s the whole tail: all that the run pays for.
    assert share[7] == pytest.approx(1 - sum(result.energy_j.values()) / 100)


@pytest.mark.parametrize("seed", range(8))
def test_a_meter_read_at_the_end_agrees_with_what_the_radios_cost(seed):
    transfers = list(crossings(60, seed))
    meter = RadioMeter([RADIO])
    for device, crossing in transfers:
        meter.note(device, crossing)
    for time_s in range(0, 240, 7):
        assert meter.energy_j(0, time_s) >= 0  # reading on the way changes nothing
    total_j = sum(meter.energy_j(device, np.inf) for device in range(3))
    assert total_j == pytest.approx(sum(radio_energy_j((RADIO,), columns(transfers)).values()))


@pytest.mark.parametrize("seed", range(8))
def test_a_meter_that_keeps_what_it_added_up_is_one_that_adds_it_up_anew(seed):
    # Transfers are noted when they begin, when they end, or in between, as links do.
    generator = np.random.default_rng(seed)
    radios = [RADIO, replace(RADIO, beta_w=7.0, tail=((3.0, 1.3),))]
    transfers = [
        (
            float(generator.uniform(each.wake_s, each.end_s)),
            device,
            each._replace(radio=int(generator.integers(2)), wake_s=each.wake_s / 3),
        )
        for device, each in crossings(200, seed)
    ]
    transfers.sort()
    meter, noted, following = RadioMeter(radios), defaultdict(list), 0
    for time_s in np.sort(generator.uniform(0, 240, 150)):
        while following < len(transfers) and transfers[following][0] <= time_s:
            _, device, crossing = transfers[following]
            meter.note(device, crossing)
            noted[device].append(crossing)
            following += 1
        for device in range(3):
            over = sorted(each for each in noted[device] if each.end_s < time_s)
            anew_j = spent(radios, over).with_tail_j(time_s) if over else 0.0
            assert meter.energy_j(device, time_s) == anew_j
    assert following == len(transfers)


def test_a_meter_counts_what_is_over_and_the_tail_so_far():
    meter = RadioMeter([RADIO])
    meter.note(0, Crossing(0.0, 1.0, 3.0, Direction.UP, MEGABIT, 0))
    meter.note(0, Crossing(5.0, 5.0, 6.0, Direction.DOWN, 0, 0))
    meter.note(0, Crossing(6.0, 6.0, 7.0, Direction.DOWN, 0, NO_RADIO))
    # Promotion 3 J, transfer 0.5 x 1 Mbit + 1 W x 2 s; a tail of 2 W.
    first_j = 3.0 + 0.5 + 2.0
    assert meter.energy_j(0, 3.0) == 0.0
    assert meter.energy_j(0, 4.0) == first_j + 2.0
    assert meter.energy_j(0, 5.5) == first_j + 5.0
    assert meter.energy_j(0, 8.0) == first_j + 4.0 + 1.0 + 4.0
    assert meter.energy_j(1, 8.0) == 0.0


def test_starting_charges_are_uniform_and_depend_on_no_other_device():
    battery = BatterySettings.model_validate({"start": {"low": 0.4, "high": 0.6}})
    shares = battery.start_shares(3, 5000)
    assert shares.min() >= 0.4
    assert shares.max() <= 0.6
    assert shares.mean() == pytest.approx(0.5, abs=0.005)
    np.testing.assert_array_equal(battery.start_shares(3, 9), shares[:9])


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"start": {"low": 0.6, "high": 0.5}}, "must not be above high"),
        ({"stop_below": 0.3}, "must not be above saver_below"),
        ({"saver_every": 0}, "greater than or equal to 1"),
    ],
)
def test_impossible_batteries_are_refused(given, what):
    with pytest.raises(ValidationError, match=what):
        BatterySettings.model_validate(given)


def test_a_policy_that_reads_consistency_does_not_ask_where_nothing_was_scored():
    def asked(policy):
        hardware = phone(battery={"start": {"low": 0.01, "high": 0.01}})
        return simulate(one_device(policy=policy, hardware=hardware)).interactions.requested

    assert not asked(Consistency(threshold=1.01)).any()
    np.testing.assert_array_equal(asked(Periodic(every=2))[0], [False, True] * 3)


def test_what_is_not_scored_is_shown_in_the_order_of_the_llm_and_has_no_consistency():
    battery = {"start": FULL, "saver_below": 1.0, "saver_every": 2, "stop_below": 0}
    world = one_device(hardware=phone(idle_power_w=0.1, battery=battery))
    result = simulate(world)
    llm_table = RandomTable.make(1, 6, seed=99)
    user = world.sessions.user
    scored = result.interactions.ranked_by[0] == FUSION
    np.testing.assert_array_equal(scored, [True, False, True, False, True, False])
    rank = result.rank(world.table, llm_table, user)[0]
    fused, own = (result.interactions.rank(table, user)[0] for table in (world.table, llm_table))
    np.testing.assert_array_equal(rank, np.where(scored, fused, own))
    assert (fused != own).any()
    np.testing.assert_array_equal(np.isnan(result.consistency(world.table, user)[0]), ~scored)


def test_a_list_that_an_unscored_step_waited_for_is_shown_without_scoring():
    battery = {"start": {"low": 0.01, "high": 0.01}}
    world = one_device(
        policy=Periodic(every=2),
        service_s=2.0,
        serving=ServingSettings(mode="wait", deadline_s=5.0),
        hardware=phone(battery=battery),
        steps=4,
    )
    result = simulate(world)
    records = result.interactions
    np.testing.assert_allclose(records.shown_s[0], [0, 11, 20, 31])
    np.testing.assert_array_equal(records.shown_row[0], [4, 1, 1, 3])
    assert result.energy_j["compute"] == 0
    assert (result.requests.outcome == Outcome.DELIVERED).all()


def test_scoring_is_charged_where_the_budget_covers_all():
    # Two scorings an hour: the first two steps, and nothing flows in that would pay for another.
    def ranked_by(**budget):
        return simulate(one_device(hardware=phone(**budget))).interactions.ranked_by[0]

    limited = {"compute_budget_flops_per_hour": 2e6}
    np.testing.assert_array_equal(
        ranked_by(**limited, budget_covers="all"), [FUSION] * 2 + [LLM] * 4
    )
    assert (ranked_by(**limited, budget_covers="training") == FUSION).all()
    assert (ranked_by(budget_covers="all") == FUSION).all()


def test_a_list_that_was_waited_for_is_scored_on_credit():
    world = one_device(
        policy=Always(),
        service_s=2.0,
        serving=ServingSettings(mode="wait", deadline_s=5.0),
        # 3 scorings, and one more in 20 minutes: the first step scores twice, the second once and
        # once more, owing what is not there.
        hardware=phone(compute_budget_flops_per_hour=3e6, budget_covers="all"),
    )
    records = simulate(world).interactions
    np.testing.assert_array_equal(records.ranked_by[0], [FUSION] * 2 + [LLM] * 4)
    np.testing.assert_array_equal(records.shown_row[0], np.arange(6))


def test_what_is_owed_is_paid_back_before_anything_else():
    budget = ComputeBudget(flops_per_hour=3600.0)
    assert budget.spend(0.0, 3600.0)
    budget.owe(0.0, 100.0)
    assert budget.left_flops == -100.0
    assert not budget.spend(100.0, 1.0)
    assert budget.spend(101.0, 1.0)


def test_batteries_that_never_matter_change_nothing():
    battery = {"start": FULL, "saver_below": 0.0, "stop_below": 0.0}
    full = DeviceSettings.model_validate({"battery_j": 1e9, "battery": battery})
    for mode in ("stale", "wait"):
        serving = ServingSettings(mode=mode, timeout_s=5.0)
        parts = {"devices": 60, "policy": Consistency(threshold=0.5), "serving": serving}
        without, with_batteries = (
            simulate(make_world(**parts, hardware=hardware))
            for hardware in (DeviceSettings(), full)
        )
        for name in ("decision_s", "shown_s", "shown_row", "requested", "suppressed"):
            np.testing.assert_array_equal(
                getattr(without.interactions, name), getattr(with_batteries.interactions, name)
            )
        assert without.energy_j == with_batteries.energy_j
