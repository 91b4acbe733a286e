"""Radio energy, against cases worked out by hand."""

import numpy as np
import pytest

from sim.radio import Radio, Transfers, radio_energy_j

# Powers of 1, 2 and 3 W, a tail of 10 s at 2 W and 5 s at 1 W, promotion of 1 s at 3 W.
RADIO = Radio(
    promotion_s=1.0,
    promotion_w=3.0,
    tail=((10.0, 2.0), (5.0, 1.0)),
    alpha_up_w_per_mbps=0.5,
    alpha_down_w_per_mbps=0.25,
    beta_w=1.0,
)
MEGABIT = 125_000


def energy(*transfers):
    device, start_s, end_s, up, down = zip(*transfers, strict=True)
    return radio_energy_j(
        RADIO,
        Transfers(*map(np.array, (device, start_s, end_s, up, down))),
    )


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


def test_no_transfers_cost_nothing():
    nothing = np.zeros(0)
    empty = Transfers(nothing, nothing, nothing, nothing, nothing)
    assert radio_energy_j(RADIO, empty) == {"promotion": 0, "transfer": 0, "tail": 0}


def test_an_isolated_lte_request_costs_about_twelve_and_a_half_joules():
    lte = Radio.named("lte")
    assert lte.tail_j(np.array([np.inf]))[0] == pytest.approx(11.576 * 1.06)
    assert lte.promotion_s * lte.promotion_w == pytest.approx(0.315, abs=0.001)


def test_every_radio_can_be_read():
    for name in ("none", "3g", "lte", "wifi"):
        assert Radio.named(name).tail_s >= 0
