"""Faults of links: whom they hit, and what they do to messages."""

import math

import numpy as np
import pytest
from every_engine import simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from random_world import make_world

from benchmarks.plain_program import simulate_plainly
from sim.client.request import Attempt, Request
from sim.clock import Clock
from sim.faults.settings import FaultSettings
from sim.network import AnyNetwork
from sim.network.disturbances import Disturbance, Disturbances
from sim.network.message import Direction
from sim.network.preset import ConstantSpeed, PresetNetwork
from sim.policies.always import Always

# A thousand bytes a second up, two thousand down, half a second each way, no headers.
PLAIN = PresetNetwork.model_validate(
    {"up_bps": 8e3, "down_bps": 16e3, "rtt_s": 1.0, "framing": {"header_bytes": 0}}
)


def faults(**values):
    return FaultSettings.model_validate(values)


def arrival_s(links, direction, size_bytes, sent_s=0.0, device=0):
    clock = Clock(sent_s)
    request = Request(device, 0, sent_s, size_bytes, clock.event())
    arrival = links.carry(clock, direction, Attempt.of(request, sent_s), size_bytes)
    clock.run(until=arrival)
    return clock.now


def links(*disturbances, devices=1, network=PLAIN):
    return network.links(0, devices, 1, disturbances)


def test_a_degradation_slows_what_crosses_while_it_lasts():
    slow = Disturbance(10.0, 20.0, bandwidth_factor=0.1)
    for sent_s, expected_s in (
        (5.0, 5.0 + 3.0 + 0.5),  # over before it begins
        (8.0, 20.0 + 0.5),  # 2 s as usual, 10 s at a tenth
        (9.0, 20.0 + 1.0 + 0.5),  # 1 s as usual, 10 s at a tenth, 1 s as usual
        (20.0, 20.0 + 3.0 + 0.5),
    ):
        assert arrival_s(links(slow), Direction.UP, 3000, sent_s) == pytest.approx(expected_s)


def test_extra_latency_is_that_of_the_time_of_sending():
    far = Disturbance(10.0, 20.0, extra_latency_s=0.25)
    assert arrival_s(links(far), Direction.UP, 1000, 9.9) == pytest.approx(9.9 + 1.0 + 0.5)
    assert arrival_s(links(far), Direction.UP, 1000, 10.0) == pytest.approx(10.0 + 1.0 + 0.75)
    assert arrival_s(links(far), Direction.DOWN, 1000, 19.9) == pytest.approx(19.9 + 0.5 + 0.75)
    assert arrival_s(links(far), Direction.DOWN, 1000, 20.0) == pytest.approx(20.0 + 0.5 + 0.5)


def test_disturbances_that_overlap_add_up():
    both = links(
        Disturbance(0.0, 20.0, bandwidth_factor=0.5, extra_latency_s=0.25),
        Disturbance(10.0, 30.0, bandwidth_factor=0.5, extra_latency_s=0.5),
    )
    assert arrival_s(both, Direction.UP, 1000, 0.0) == pytest.approx(2.0 + 0.5 + 0.25)
    assert arrival_s(both, Direction.UP, 1000, 12.0) == pytest.approx(12.0 + 4.0 + 0.5 + 0.75)
    assert arrival_s(both, Direction.UP, 1000, 25.0) == pytest.approx(25.0 + 2.0 + 0.5 + 0.5)


def test_bytes_wait_while_coverage_is_lost():
    lost = Disturbance(10.0, 20.0, bandwidth_factor=0.0)
    assert arrival_s(links(lost), Direction.UP, 3000, 8.0) == pytest.approx(21.5)
    assert arrival_s(links(lost), Direction.DOWN, 2000, 12.0) == pytest.approx(21.0)
    covered = [links(lost).covered(0, time_s) for time_s in (9.9, 10.0, 19.9, 20.0)]
    assert covered == [True, False, False, True]


def test_only_some_devices_are_hit():
    some = links(
        Disturbance(0.0, math.inf, np.array([True, False, True]), bandwidth_factor=0.5),
        Disturbance(0.0, math.inf, np.array([True, True, False]), extra_latency_s=1.0),
        devices=3,
    )
    took_s = [arrival_s(some, Direction.UP, 1000, device=device) for device in range(3)]
    assert took_s == pytest.approx([2.0 + 1.5, 1.0 + 1.5, 2.0 + 0.5])


def test_without_disturbances_a_preset_keeps_its_constant_speed():
    assert isinstance(links().medium, ConstantSpeed)
    assert links().conditions is None


@given(
    sent_s=st.floats(0.0, 40.0),
    size_bytes=st.integers(0, 20_000),
    direction=st.sampled_from(Direction),
    preset=st.sampled_from(["3g", "wifi", "ideal"]),
)
@settings(max_examples=50, deadline=None)
def test_a_disturbance_that_disturbs_nothing_changes_nothing(sent_s, size_bytes, direction, preset):
    network = PresetNetwork.model_validate({"preset": preset})
    harmless = Disturbance(0.0, 100.0), Disturbance(500.0, 600.0, bandwidth_factor=0.0)
    ours, theirs = links(*harmless, network=network), links(network=network)
    assert arrival_s(ours, direction, size_bytes, sent_s) == arrival_s(
        theirs, direction, size_bytes, sent_s
    )


@given(
    windows=st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 30), st.sampled_from([0.0, 0.5, 2.0])),
        max_size=5,
    ),
    time_s=st.integers(-2, 62),
)
@settings(max_examples=100)
def test_what_disturbances_add_up_to_is_the_product_of_those_that_last(windows, time_s):
    disturbances = [
        Disturbance(start, start + length, bandwidth_factor=factor, extra_latency_s=factor)
        for start, length, factor in windows
    ]
    lasting = [each for each in disturbances if each.start_s <= time_s < each.end_s]
    added_up = Disturbances(disturbances, devices=2)
    assert added_up.bandwidth_factor(1, time_s) == math.prod(
        each.bandwidth_factor for each in lasting
    )
    assert added_up.extra_latency_s(0, time_s) == sum(each.extra_latency_s for each in lasting)
    assert bool(added_up) == bool(windows)


def test_what_lasts_for_ages_never_ends_and_what_begins_then_never_does():
    for long_s in (1e10, 1e30, math.inf):
        lasting = Disturbance(10.0, 10.0 + long_s, bandwidth_factor=0.0)
        never = Disturbance(long_s, math.inf, extra_latency_s=1.0)
        steps = Disturbances([lasting, never], devices=1).steps(0)
        assert (steps.start_s, steps.factor) == ((-math.inf, 10.0), (1.0, 0.0))


def test_degradations_together_leave_a_millionth():
    twice = [Disturbance(0.0, 10.0, bandwidth_factor=1e-6)] * 2
    assert Disturbances(twice, devices=1).bandwidth_factor(0, 5.0) == 1e-6
    lost = [*twice, Disturbance(0.0, 10.0, bandwidth_factor=0.0)]
    assert Disturbances(lost, devices=1).bandwidth_factor(0, 5.0) == 0.0


def test_a_regional_loss_hits_all_devices_of_a_region_and_no_others():
    settings = faults(
        regions=4, coverage_losses=({"start_s": 10.0, "duration_s": 5.0, "regions": (1, 3)},)
    )
    region = settings.region(seed=2, devices=1000)
    assert np.abs(np.bincount(region) - 250).max() <= 4.5 * np.sqrt(1000 * 3 / 16)
    (loss,) = settings.disturbances(seed=2, devices=1000)
    assert (loss.start_s, loss.end_s, loss.bandwidth_factor) == (10.0, 15.0, 0.0)
    np.testing.assert_array_equal(loss.devices, np.isin(region, (1, 3)))
    np.testing.assert_array_equal(settings.region(seed=2, devices=50), region[:50])


CELLS = TypeAdapter(AnyNetwork).validate_python(
    {"kind": "cell", "cells": 4, "down_bps": 1e6, "up_bps": 1e6, "rtt_s": 0.1}
)


def test_a_loss_of_cells_takes_whole_cells_down():
    lost = {"start_s": 10.0, "duration_s": 30.0, "cells": (0, 3)}
    slow = {"start_s": 0.0, "duration_s": 5.0, "cells": (1,), "bandwidth_factor": 0.5}
    world = make_world(
        devices=40,
        users=10,
        steps=6,
        policy=Always(),
        start_spread_s=20.0,
        network=CELLS,
        faults=faults(coverage_losses=(lost,), degradations=(slow,)),
    )
    cell = CELLS.cell_of(world.seed, 40)
    assert set(cell) == {0, 1, 2, 3}
    links = world.make_links()
    for device in range(40):
        assert links.covered(device, 20.0) == (cell[device] in (1, 2))
        assert links.covered(device, 40.0)
    degradation, _ = world.faults.disturbances(world.seed, 40, cell)
    np.testing.assert_array_equal(degradation.devices, cell == 1)
    engine, plain = simulate(world), simulate_plainly(world)
    for part in ("interactions", "requests"):
        for name, ours in vars(getattr(engine, part)).items():
            np.testing.assert_array_equal(ours, getattr(getattr(plain, part), name), err_msg=name)


def test_a_loss_of_cells_needs_cells():
    settings = faults(coverage_losses=({"start_s": 0.0, "duration_s": 1.0, "cells": (2,)},))
    assert settings.unknown_cell(3) is None
    assert settings.unknown_cell(2) == ("coverage_losses", "names cell 2; the network has 0 to 1")
    assert settings.unknown_cell(1) == ("coverage_losses", "names cell 2; the network has only 0")
    key, message = settings.unknown_cell(0)
    assert key == "coverage_losses"
    assert message.startswith("names cell 2, but the network has no cells")
    with pytest.raises(ValueError, match="needs a network that has cells"):
        settings.disturbances(seed=0, devices=3)


def test_a_share_hits_devices_independently():
    settings = faults(
        degradations=(
            {"start_s": 0.0, "duration_s": 5.0, "share": 0.3, "bandwidth_factor": 0.5},
            {"start_s": 0.0, "duration_s": 5.0, "share": 0.3, "extra_rtt_s": 0.4},
            {"start_s": 0.0, "duration_s": 5.0},
        )
    )
    first, second, third = settings.disturbances(seed=0, devices=2000)
    assert (first.bandwidth_factor, second.extra_latency_s) == (0.5, 0.2)
    assert third.devices.all()
    for hit, share in (
        (first.devices, 0.3),
        (second.devices, 0.3),
        (first.devices & second.devices, 0.09),
    ):
        deviation = abs(hit.sum() - 2000 * share)
        assert deviation <= 4.5 * np.sqrt(2000 * share * (1 - share))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"coverage_losses": ({"start_s": 0.0, "duration_s": 1.0, "regions": (1,)},)},
            "names region 1; faults.regions makes 1: only 0",
        ),
        (
            {
                "regions": 3,
                "degradations": ({"start_s": 0.0, "duration_s": 1.0, "regions": (0, 3)},),
            },
            "names region 3; faults.regions makes 3: 0 to 2",
        ),
        (
            {
                "coverage_losses": (
                    {"start_s": 0.0, "duration_s": 1.0, "regions": (0,), "share": 0.5},
                )
            },
            "give only one of share and regions",
        ),
        (
            {
                "coverage_losses": (
                    {"start_s": 0.0, "duration_s": 1.0, "regions": (0,), "cells": (0,)},
                )
            },
            "give only one of regions and cells",
        ),
        ({"degradations": ({"start_s": 0.0, "duration_s": 1.0, "bandwidth_factor": 0.0},)}, "than"),
        (
            {"degradations": ({"start_s": 0.0, "duration_s": 1.0, "bandwidth_factor": 1e-320},)},
            "greater than or equal to 0.000001",
        ),
        (
            {"degradations": ({"start_s": 0.0, "duration_s": 1.0, "bandwidth_factor": 1.5},)},
            "less than or equal to 1",
        ),
    ],
)
def test_impossible_link_faults_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        faults(**values)


def test_faults_written_out_are_read_again():
    settings = faults(
        regions=2,
        coverage_losses=({"start_s": 0.0, "duration_s": 1.0, "regions": (1,)},),
        degradations=({"start_s": 0.0, "duration_s": 1.0, "share": 0.5, "extra_rtt_s": 1.0},),
    )
    assert faults(**settings.model_dump()) == settings
