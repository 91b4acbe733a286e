"""Who follows which schedule of regimes."""

import numpy as np
import pytest
from every_engine import simulate
from mobile_network import BY_CLASS, FAST, SLOW, assert_binomial, network
from random_world import make_world

from benchmarks.plain_program import simulate_plainly
from sim.device.settings import DeviceSettings
from sim.network.regimes import Regimes
from sim.policies.always import Always


def test_devices_follow_schedules_by_their_shares():
    mobile = network(
        regimes={"fast": FAST, "slow": SLOW},
        schedules={
            "commuter": {
                "share": 0.25,
                "schedule": ({"at_s": 0.0, "regime": "fast"}, {"at_s": 60.0, "regime": "none"}),
            },
            "home": {"share": 0.75, "schedule": ({"at_s": 0.0, "regime": "slow"},)},
        },
    )
    conditions = mobile.links(seed=3, devices=4000, steps=1).conditions
    assert isinstance(conditions, Regimes)
    before, after = conditions.devices_in(np.array([59.9, 60.0]), 4000)
    assert_binomial(before, 4000, np.array([0.25, 0.75, 0.0]))
    assert after.tolist() == [0, before[1], before[0]]


def test_devices_follow_the_schedule_of_their_hardware_class():
    mobile = network(regimes={"fast": FAST, "slow": SLOW}, schedules=BY_CLASS)
    classes = np.array(["high", "low", "mid", "high"])
    conditions = mobile.links(seed=3, devices=4, steps=1, classes=classes).conditions
    assert [conditions.stretch(device, 59.9).regime for device in range(4)] == [0, 1, 1, 0]
    assert [conditions.stretch(device, 60.0).covered for device in range(4)] == [1, 0, 0, 1]
    with pytest.raises(ValueError, match="no schedule names the hardware class"):
        mobile.links(seed=3, devices=4, steps=1)


def test_a_world_tells_its_network_of_which_class_devices_are():
    world = make_world(
        devices=40,
        users=10,
        steps=6,
        policy=Always(),
        start_spread_s=20.0,
        hardware=DeviceSettings.model_validate({"classes": {"low": 0.3, "mid": 0.3, "high": 0.4}}),
        network=network(regimes={"fast": FAST, "slow": SLOW}, schedules=BY_CLASS),
    )
    links, phones = world.make_links(), world.phones
    for device in range(40):
        at_home = phones.of(device).kind == "high"
        assert links.covered(device, 70.0) == at_home
    assert {phones.of(device).kind for device in range(40)} == {"low", "mid", "high"}
    engine, plain = simulate(world), simulate_plainly(world)
    for part in ("interactions", "requests"):
        for name, ours in vars(getattr(engine, part)).items():
            np.testing.assert_array_equal(ours, getattr(getattr(plain, part), name), err_msg=name)


@pytest.mark.parametrize(
    ("classes", "key", "message"),
    [
        (["low", "mid", "high"], None, None),
        (["low", "high"], "schedules.commuters.device_class", "names class 'mid'; the section dev"),
        ([], "schedules.commuters.device_class", "the section devices gives no classes"),
        (["low", "mid", "high", "old"], "schedules", "leave out class 'old'"),
    ],
)
def test_schedules_of_classes_fit_the_classes_that_there_are(classes, key, message):
    wrong = network(regimes={"fast": FAST, "slow": SLOW}, schedules=BY_CLASS).wrong_classes(classes)
    if key is None:
        assert wrong is None
    else:
        assert wrong[0] == key
        assert message in wrong[1]


def test_schedules_of_shares_fit_any_classes():
    half = {"share": 0.5, "schedule": ({"at_s": 0.0, "regime": "fast"},)}
    mobile = network(regimes={"fast": FAST}, schedules={"some": half, "others": half})
    assert mobile.wrong_classes([]) is None
    assert mobile.wrong_classes(["low"]) is None
