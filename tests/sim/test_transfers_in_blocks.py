"""Transfers are counted in blocks of devices: what comes of it is what comes of all at once."""

from dataclasses import fields

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from radio_by_hand import RADIO, columns, crossings

from sim.energy import counted_transfers
from sim.network.traffic import NO_TRAFFIC, Traffic
from sim.network.transfers import TransferLog, Transfers
from sim.radio.energy import add_energy_j, energy_by_radio_j

DEVICES = 40


def shuffled(transfers, seed):
    """Return the transfers in another order."""
    order = np.random.default_rng(seed).permutation(len(transfers.device))
    return Transfers(**{name: column[order] for name, column in vars(transfers).items()})


def random_transfers(seed, count=400):
    return columns(list(crossings(count, seed, DEVICES)))


def test_blocks_hold_every_device_once_and_keep_the_order_of_its_transfers():
    transfers = random_transfers(0)
    blocks = list(transfers.blocks(3))
    assert [set((block.device // 3).tolist()) for block in blocks] == [
        {each} for each in range(-(-DEVICES // 3))
    ]
    order = np.argsort(transfers.device, kind="stable")
    for field in fields(Transfers):
        whole = np.concatenate([getattr(block, field.name) for block in blocks])
        assert_array_equal(whole, getattr(transfers, field.name)[order])


def test_blocks_of_transfers_in_order_copy_nothing():
    (ordered,) = random_transfers(1).blocks(DEVICES)
    for block in ordered.blocks(7):
        assert np.shares_memory(block.end_s, ordered.end_s)


def test_blocks_without_transfers_are_left_out():
    transfers = columns([each for each in crossings(50, 2, DEVICES) if each[0] in (4, 39)])
    assert [np.unique(block.device).tolist() for block in transfers.blocks(2)] == [[4], [39]]
    assert list(TransferLog().columns().blocks()) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("horizon_s", [90.0, np.inf])
def test_blocks_cost_and_carry_what_all_transfers_do(seed, horizon_s):
    transfers = random_transfers(seed)
    (at_once,) = energy_by_radio_j((RADIO,), transfers, horizon_s)
    spent_j = (dict.fromkeys(at_once, 0.0),)
    traffic = NO_TRAFFIC
    for block in transfers.blocks(3):
        add_energy_j(spent_j, (RADIO,), block, horizon_s)
        traffic += Traffic.of(block, horizon_s)
    assert spent_j[0] == pytest.approx(at_once, rel=1e-12)
    assert traffic == Traffic.of(transfers, horizon_s)


@pytest.mark.parametrize("seed", range(5))
def test_energy_is_the_same_to_the_last_bit_in_any_order(seed):
    transfers = random_transfers(seed)
    (in_order,) = transfers.blocks(DEVICES)
    assert energy_by_radio_j((RADIO,), shuffled(transfers, seed)) == energy_by_radio_j(
        (RADIO,), in_order
    )


def test_parameters_pushed_after_the_last_decision_do_not_count():
    transfers = columns(list(crossings(60, 3, 2)))
    pushed = Transfers(**(vars(transfers) | {"parameters": np.arange(60) % 2 == 0}))
    last_s, horizon_s = np.array([50.0, 120.0]), 150.0
    counted = counted_transfers(pushed, last_s, horizon_s)
    kept = [
        sent_s <= horizon_s and not (parameters and first_s > last_s[device])
        for sent_s, parameters, first_s, device in zip(
            pushed.sent_s, pushed.parameters, pushed.first_sent_s, pushed.device, strict=True
        )
    ]
    assert 0 < sum(kept) < 60
    assert_array_equal(counted.end_s, pushed.end_s[kept])
    assert counted_transfers(counted, last_s, horizon_s) is counted
