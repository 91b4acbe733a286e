"""Phones of classes, that run out of things, go away and leave: the engine is the plain program."""

import numpy as np
from equal_records import assert_equal_records
from every_engine import simulate
from every_policy import POLICIES
from hypothesis import given, settings
from hypothesis import strategies as st
from random_adaptations import ADAPTATIONS
from random_phones import DEVICES
from random_world import make_world

from benchmarks.plain_program import simulate_plainly
from sim.client.request import Outcome
from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.network.preset import PresetNetwork
from sim.records.interactions import RankedBy


@given(
    devices=DEVICES,
    adaptation=st.none() | ADAPTATIONS,
    seed=st.integers(0, 1000),
    policy=st.sampled_from(POLICIES),
    mode=st.sampled_from(["stale", "wait"]),
    first_list=st.sampled_from(["preloaded", "none"]),
    deadline_s=st.sampled_from([0.5, 5.0]),
    timeout_s=st.sampled_from([1.0, 30.0]),
    service_s=st.sampled_from([0.0, 0.5, 2.0]),
    loss=st.sampled_from([0.0, 0.2]),
    leaving=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_engine_equals_plain_program_whatever_the_devices(
    devices,
    adaptation,
    seed,
    policy,
    mode,
    first_list,
    deadline_s,
    timeout_s,
    service_s,
    loss,
    leaving,
):
    lived_steps = np.random.default_rng(seed).integers(1, 9, 20) if leaving else None
    world = make_world(
        devices=20,
        users=10,
        steps=8,
        seed=seed,
        policy=policy,
        start_spread_s=20.0,
        lived_steps=lived_steps,
        hardware=DeviceSettings.model_validate(devices),
        scoring_bytes=1e6,
        serving=ServingSettings(
            mode=mode, first_list=first_list, deadline_s=deadline_s, timeout_s=timeout_s
        ),
        network=PresetNetwork.model_validate({"preset": "3g", "loss": {"probability": loss}}),
        cloud=CloudSettings(
            batching=StaticBatching(size=3, wait_s=0.25),
            service_time=FixedServiceTime(seconds=service_s),
        ),
        adaptation=adaptation,
    )
    result = simulate(world)
    assert_equal_records(result, simulate_plainly(world))
    assert_sound(world, result)


def assert_sound(world, result):
    """Check what holds whatever the devices are."""
    records, requests = result.interactions, result.requests
    happened = records.happened
    np.testing.assert_array_equal(happened.sum(axis=1), world.sessions.steps)
    # What never happened left nothing.
    for name in ("decision_s", "requested", "suppressed", "ranked_by", "version"):
        assert not getattr(records, name)[~happened].any()
    assert happened[requests.device, requests.step].all()
    outcomes = np.bincount(requests.outcome, minlength=len(Outcome))
    assert outcomes.sum() == records.requested.sum() == len(requests.device)
    assert (records.shown_s >= records.decision_s).all()
    if world.availability is not None:
        for device, step in np.argwhere(happened):
            decision_s = float(records.decision_s[device, step])
            assert world.availability.on_s(device, decision_s) == decision_s
        for device, reply_s in zip(requests.device, requests.reply_s, strict=True):
            if np.isfinite(reply_s):
                assert world.availability.on_s(device, float(reply_s)) == reply_s
    battery = world.hardware.battery
    if battery is None:
        return
    share = records.battery_share
    assert (share >= 0).all()
    assert (share <= 1).all()
    later = happened[:, 1:]
    assert (np.diff(share, axis=1)[later] <= 0).all()
    # No scoring below the floor, and below the saving line at some steps only.
    scored = happened & (records.ranked_by == RankedBy.FUSION)
    assert (share[scored] >= np.float32(battery.stop_below)).all()
    saving = scored & (share < np.float32(battery.saver_below))
    assert (np.nonzero(saving)[1] % battery.saver_every == 0).all()
