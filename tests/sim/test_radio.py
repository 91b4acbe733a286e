"""Radio energy, against cases worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from radio_by_hand import MEGABIT, RADIO, energy

from sim.network.transfers import TransferLog
from sim.radio.energy import radio_energy_j
from sim.radio.radio import Radio, radio_names
from sim.radio.states import RadioStates


def test_an_isolated_transfer_pays_promotion_transfer_and_the_whole_tail():
    # One megabit up in 2 s: 0.5 W per Mbit/s at 0.5 Mbit/s, and 1 W, for 2 s.
    assert energy((0, 0.0, 2.0, MEGABIT, 0)) == pytest.approx(
        {"promotion": 3.0, "transfer": 2 * (0.25 + 1.0), "tail": 25.0}
    )


def test_two_transfers_inside_one_tail_share_it():
    # The pause of 12 s costs 10 s at 2 W and 2 s at 1 W; then one whole tail.
    assert energy((0, 0.0, 1.0, 0, MEGABIT), (0, 13.0, 14.0, 0, MEGABIT)) == pytest.approx(
        {"promotion": 3.0, "transfer": 2 * 1.25, "tail": 22.0 + 25.0}
    )


def test_after_the_tail_the_radio_has_to_be_promoted_again():
    assert energy((0, 0.0, 1.0, 0, 0), (0, 17.0, 18.0, 0, 0)) == pytest.approx(
        {"promotion": 6.0, "transfer": 2.0, "tail": 50.0}
    )


def test_devices_do_not_share_tails():
    assert energy((0, 0.0, 1.0, 0, 0), (1, 2.0, 3.0, 0, 0)) == pytest.approx(
        {"promotion": 6.0, "transfer": 2.0, "tail": 50.0}
    )


def test_what_a_long_transfer_overlaps_keeps_the_radio_busy_no_longer():
    # 20 s of a download, with a megabit up and one down inside, and one that outlasts it by 1 s;
    # the second device has a transfer of its own in between.
    long, *others = (
        (1, 0.0, 20.0, 0, 0),
        (1, 2.0, 2.5, MEGABIT, 0),
        (1, 3.0, 3.5, 0, MEGABIT),
        (1, 19.0, 21.0, 0, 0),
        (2, 4.0, 5.0, 0, 0),
        (0, 30.0, 31.0, 0, 0),
    )
    alone = energy(long)
    assert alone == pytest.approx({"promotion": 3.0, "transfer": 20.0, "tail": 25.0})
    assert energy(*others, long) == pytest.approx(
        {"promotion": 9.0, "transfer": 21.0 + 0.5 + 0.25 + 1.0 + 1.0, "tail": 75.0}
    )


def test_a_promotion_is_no_part_of_the_pause_before_it():
    # The radio is asked for 15 s after the first transfer, the last instant of its tail, and 15.5 s
    # after the second, too late: it is promoted from 33.5 to 34.5 s.
    assert energy(
        (0, 1.0, 2.0, 0, 0, 0.0, 0), (0, 17.0, 18.0, 0, 0, 17.0, 0), (0, 34.5, 35.5, 0, 0, 33.5, 0)
    ) == pytest.approx({"promotion": 6.0, "transfer": 3.0, "tail": 75.0})


def test_another_radio_has_to_be_promoted_and_ends_the_tail_of_the_first():
    other = replace(RADIO, promotion_w=5.0, beta_w=7.0, tail=((1.0, 4.0),))
    # The first one's tail is cut after 8 s at 2 W.
    assert energy(
        (0, 1.0, 2.0, 0, 0, 0.0, 0), (0, 11.0, 12.0, 0, 0, 10.0, 1), radios=(RADIO, other)
    ) == pytest.approx({"promotion": 3.0 + 5.0, "transfer": 1.0 + 7.0, "tail": 16.0 + 4.0})


def test_a_first_byte_waits_for_the_promotion_and_none_in_the_tail():
    states = RadioStates((RADIO,), devices=2)
    assert states.asleep(0, 5.0)
    assert states.wake(0, 5.0) == 6.0
    assert states.wake(0, 5.5) == 6.0  # it is being promoted
    states.busy(0, 8.0)
    assert states.wake(0, 7.0) == 7.0
    assert states.wake(0, 23.0) == 23.0  # the tail's last instant
    states.busy(0, 24.0)
    assert not states.asleep(0, 39.0)
    assert states.wake(0, 39.5) == 40.5
    assert states.wake(1, 39.5) == 40.5


def test_a_radio_without_promotion_is_always_there():
    assert RadioStates((Radio.named("none"),), devices=1).wake(0, 3.0) == 3.0


def test_no_transfers_cost_nothing():
    assert radio_energy_j((RADIO,), TransferLog().columns()) == {
        "promotion": 0,
        "transfer": 0,
        "tail": 0,
    }


@pytest.mark.parametrize("name", radio_names())
def test_the_tail_of_one_pause_is_that_of_many(name):
    radio, pauses_s = Radio.named(name), np.array([0.0, 0.3, 2.5, 5.0, 11.3, 40.0, np.inf])
    assert [radio.tail_of_one_j(each) for each in pauses_s] == radio.tail_j(pauses_s).tolist()


def test_an_isolated_lte_request_costs_about_twelve_and_a_half_joules():
    lte = Radio.named("lte")
    assert lte.tail_j(np.array([np.inf]))[0] == pytest.approx(11.576 * 1.06)
    assert lte.promotion_s * lte.promotion_w == pytest.approx(0.315, abs=0.001)


def test_every_radio_can_be_read():
    for name in ("none", "3g", "lte", "wifi"):
        assert Radio.named(name).tail_s >= 0
