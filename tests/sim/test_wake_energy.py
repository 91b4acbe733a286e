"""What waking a radio for a request costs: by hand, and as policies see it in a world."""

import math

import numpy as np
import pytest
from random_world import make_world

from sim.engine import simulate
from sim.network.preset import PresetNetwork
from sim.policies.network_aware import NetworkAware
from sim.policies.periodic import Periodic
from sim.policies.random import Random
from sim.policies.staleness import Staleness
from sim.radio.meter import Spent
from sim.radio.radio import Radio
from sim.radio.wake_energy import wake_energy_j

RADIO = Radio.named("3g")


def links(preset="3g"):
    network = PresetNetwork.model_validate({"preset": preset})
    return make_world(devices=2, network=network).make_links()


def test_a_radio_that_never_worked_is_promoted_and_has_a_whole_tail():
    whole_tail_j = sum(duration_s * power_w for duration_s, power_w in RADIO.tail)
    promotion_j = RADIO.promotion_s * RADIO.promotion_w
    assert wake_energy_j(links(), 0, 5.0, None) == pytest.approx(promotion_j + whole_tail_j)


def test_in_its_tail_a_radio_costs_what_has_passed_of_it():
    each = links()
    spent = Spent(3.0, 10.0, each.radios.radios[0])
    first_w = RADIO.tail[0][1]
    assert wake_energy_j(each, 0, 11.0, spent) == pytest.approx(first_w * 1.0)
    assert wake_energy_j(each, 0, 10.0, spent) == 0.0
    asleep_s = 10.0 + RADIO.tail_s + 0.1
    assert wake_energy_j(each, 0, asleep_s, spent) == wake_energy_j(each, 0, 5.0, None)


def test_wi_fi_is_cheap_and_no_coverage_is_out_of_the_question(monkeypatch):
    assert wake_energy_j(links("wifi"), 0, 5.0, None) < 1.0
    each = links()
    monkeypatch.setattr(each, "covered", lambda *_: False)
    assert wake_energy_j(each, 0, 5.0, None) == math.inf


def test_network_aware_phones_send_more_of_their_requests_into_tails():
    def pauses_s(policy):
        world = make_world(devices=300, policy=policy, steps=20)
        requests = simulate(world).requests
        same = np.diff(requests.device) == 0
        return (requests.sent_s[1:] - requests.received_s[:-1])[same]

    def share_in_tail(policy):
        pause_s = pauses_s(policy)
        return (pause_s <= RADIO.tail_s).mean()

    plain = share_in_tail(Random(probability=0.3))
    aware = share_in_tail(NetworkAware(inner=Random(probability=0.3), earlier=0.3, later=0.15))
    assert aware > 1.5 * plain


@pytest.mark.parametrize("inner", [Periodic(every=4), Staleness(steps=4)], ids=repr)
def test_whole_numbers_of_steps_are_moved_to_what_lies_between_them(inner):
    def frequency(policy):
        wifi = PresetNetwork.model_validate({"preset": "wifi"})
        return simulate(make_world(policy=policy, network=wifi)).interactions.requested.mean()

    # 1 / 2.5 and 1 / 6.5 in place of 1 / 4; on Wi-Fi every request is cheap.
    faster, slower = 1 / 2.5 - 1 / 4, 1 / 4 - 1 / 6.5
    assert frequency(NetworkAware(inner=inner, earlier=faster)) > 1.2 * frequency(inner)
    dear = {"cheap_below_j": 0.0, "dear_above_j": 0.0, "later": slower}
    assert 0 < frequency(NetworkAware(inner=inner, **dear)) < frequency(inner)
