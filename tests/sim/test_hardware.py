"""Classes of phones: their figures, who has which, and how long and at what cost they score."""

import numpy as np
import pytest
from pydantic import ValidationError
from random_world import make_world

from sim.device.hardware import FIGURES, Hardware, HardwareClass, known_classes
from sim.device.settings import DeviceSettings
from sim.engine import simulate
from sim.policies.never import Never


def devices(**given):
    return DeviceSettings.model_validate(given)


def test_scoring_takes_the_longer_of_computing_and_reading():
    hardware = Hardware(sustained_flops=1e9, memory_bytes_per_s=1e8)
    assert hardware.computing_s(2e9, 1e8) == 2.0
    assert hardware.computing_s(2e9, 5e8) == 5.0
    assert hardware.computing_s(2e9) == 2.0
    assert Hardware(sustained_flops=float("inf")).computing_s(1e12, 1e12) == 0.0


def test_every_known_class_has_all_figures_and_better_classes_have_more_of_each():
    classes = known_classes()
    assert list(classes) == ["low", "mid", "high"]
    for name in FIGURES:
        figures = [classes[kind][name] for kind in classes]
        assert figures == sorted(figures)
        assert len(set(figures)) == 3
    # The battery of a class is a whole number of mAh at 3.85 V.
    for kind, capacity_mah in (("low", 3000), ("mid", 4000), ("high", 5000)):
        assert classes[kind]["battery_j"] == pytest.approx(capacity_mah * 3.85 * 3.6)


def test_classes_are_shares_by_name_or_a_list_with_figures_of_ones_own():
    by_name = devices(classes={"low": 0.25, "high": 0.75})
    assert [(each.kind, each.share) for each in by_name.hardware] == [("low", 0.25), ("high", 0.75)]
    slower = devices(classes=[{"kind": "low", "share": 1.0, "sustained_flops": 1e8}])
    assert slower.hardware[0].sustained_flops == 1e8
    assert slower.hardware[0].battery_j == known_classes()["low"]["battery_j"]
    assert DeviceSettings.model_validate(by_name.model_dump()) == by_name


def test_without_classes_all_phones_are_the_one_whose_figures_are_given():
    settings = devices(sustained_flops=1e8)
    assert settings.hardware == (settings,)
    assert not settings.hardware_of_devices(3, 50).any()


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"classes": {"low": 0.5}}, "add up to 0.5; they must add up to 1"),
        ({"classes": {"best": 1.0}}, "no hardware class 'best'; there are low, mid, high"),
        ({"classes": [{"kind": "low", "share": 0.5}] * 2}, "'low' twice"),
        ({"classes": {"low": 1.0}, "sustained_flops": 1e9}, "only one of classes and sustained"),
        ({"classes": {"low": 1.5}}, "is 1.5; must be the part of the devices"),
        ({"classes": []}, "add up to 0"),
        ({"churn": {"per_step": 1.0}}, "less than 1"),
        ({"availability": {"on_s": 0.0, "off_s": 1.0}}, "greater than or equal to 0.1"),
        ({"availability": {"on_s": 1.0, "off_s": 0.05}}, "greater than or equal to 0.1"),
    ],
)
def test_impossible_devices_are_refused(given, what):
    with pytest.raises(ValidationError, match=what):
        devices(**given)


def test_every_figure_is_documented():
    for settings in (DeviceSettings, HardwareClass):
        for name, field in settings.model_fields.items():
            assert field.description, name


def test_shares_of_devices_are_those_asked_for_and_depend_on_no_other_device():
    settings = devices(classes={"low": 0.5, "mid": 0.3, "high": 0.2})
    position = settings.hardware_of_devices(7, 20_000)
    shares = np.bincount(position, minlength=3) / 20_000
    np.testing.assert_allclose(shares, [0.5, 0.3, 0.2], atol=0.02)
    np.testing.assert_array_equal(settings.hardware_of_devices(7, 30), position[:30])
    assert (settings.hardware_of_devices(8, 30) != position[:30]).any()


def test_a_share_of_nothing_and_one_of_everything():
    assert (devices(classes={"low": 0.0, "high": 1.0}).hardware_of_devices(0, 99) == 1).all()
    assert (devices(classes={"low": 1.0, "high": 0.0}).hardware_of_devices(0, 99) == 0).all()


OWN = {
    "memory_bytes": 1e9,
    "battery_j": 1000.0,
}
SLOW = {
    **OWN,
    "kind": "slow",
    "share": 0.4,
    "sustained_flops": 1e6,
    "memory_bytes_per_s": 1e9,
    "active_power_w": 3.0,
    "idle_power_w": 0.5,
}
STARVED = {
    **OWN,
    "kind": "starved",
    "share": 0.6,
    "sustained_flops": 1e9,
    "memory_bytes_per_s": 1e6,
    "active_power_w": 2.0,
    "idle_power_w": 0.25,
}


def test_each_class_takes_its_own_time_and_energy():
    # 2 MFLOP that read 1 MB: 2 s of computing on one class, 1 s of reading on the other.
    hardware = devices(classes=[SLOW, STARVED])
    world = make_world(
        devices=40, steps=5, policy=Never(), hardware=hardware, scoring_flops=2e6, scoring_bytes=1e6
    )
    result = simulate(world)
    slow = world.phones.position == 0
    assert 0 < slow.sum() < 40
    records = result.interactions
    waiting_s = records.shown_s - records.decision_s
    np.testing.assert_allclose(waiting_s[slow], 2.0)
    np.testing.assert_allclose(waiting_s[~slow], 1.0)
    scorings = 5
    expected_j = slow.sum() * scorings * 2.0 * 3.0 + (~slow).sum() * scorings * 1.0 * 2.0
    assert result.energy_j["compute"] == pytest.approx(expected_j)
    # Idle power for as long as each session lasts.
    session_s = records.shown_s[:, -1] - world.sessions.start_s
    idle_j = 0.5 * session_s[slow].sum() + 0.25 * session_s[~slow].sum()
    assert result.energy_j["idle"] == pytest.approx(idle_j)


def test_where_no_hardware_has_idle_power_there_is_no_idle_energy():
    assert "idle" not in simulate(make_world(devices=3)).energy_j


def test_one_class_alone_is_the_same_as_its_figures():
    figures = {name: SLOW[name] for name in FIGURES}
    alone = devices(classes=[{**SLOW, "share": 1.0}])
    results = [
        simulate(make_world(devices=20, hardware=hardware, scoring_bytes=1e5))
        for hardware in (alone, devices(**figures))
    ]
    np.testing.assert_array_equal(*(each.interactions.shown_s for each in results))
    assert results[0].energy_j == results[1].energy_j
