"""When re-trained weights come into force, and what they cost: worlds small enough to follow."""

from dataclasses import replace

import numpy as np
import pytest
from fake_adaptation import FakeAdaptation
from random_world import make_world

from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.compute_budget import ComputeBudget
from sim.device.settings import DeviceSettings
from sim.engine import simulate
from sim.faults.settings import FaultSettings
from sim.network.preset import PresetNetwork
from sim.policies.always import Always
from sim.policies.consistency import Consistency
from sim.policies.never import Never
from sim.policies.periodic import Periodic

IDEAL = PresetNetwork.model_validate({"preset": "ideal"})
MEGAFLOPS = DeviceSettings(sustained_flops=1e6, active_power_w=2.0)


def one_device(steps=8, *, policy=None, think_s=10.0, service_s=0.0, devices=1, **parts):
    """Devices that start at 0 and think the same time at every step; nothing else delays."""
    cloud = CloudSettings(
        batching=StaticBatching(size=1, wait_s=0.0),
        service_time=FixedServiceTime(seconds=service_s),
    )
    settings = {
        "network": IDEAL,
        "hardware": MEGAFLOPS,
        "scoring_flops": 0.0,
        "cloud": cloud,
        "policy": policy or Never(),
        "start_spread_s": 0.0,
        "users": 1,
        "think_s": np.full((devices, steps - 1), think_s),
        **parts,
    }
    return make_world(devices=devices, steps=steps, **settings)


def versions(result, device=0):
    return result.interactions.version[device].tolist()


def test_training_starts_when_the_list_is_shown_and_is_in_force_from_the_first_decision_after():
    fake = FakeAdaptation(8)
    # 15 s: begun at 30 s (step 3) and 60 s (step 6), in force at the decisions of 50 s and 80 s.
    world = one_device(adaptation=fake.on_device(every_interactions=3, training_flops=15e6))
    result = simulate(world)
    assert versions(result) == [0, 0, 0, 0, 0, 1, 1, 1]
    log = result.adaptation.log
    assert [(each.version, each.start_s, each.end_s) for each in log.trainings] == [
        (1, 30.0, 45.0),
        (2, 60.0, 75.0),
    ]
    assert fake.models.begun == [(0, 1, 3, 8), (0, 2, 6, 8)]  # row 8: the preloaded list
    assert result.energy_j["compute"] == pytest.approx(2 * 15.0 * 2.0)


def test_parameters_whose_training_ends_at_a_decision_serve_it():
    world = one_device(adaptation=FakeAdaptation(8).on_device(3, training_flops=10e6))
    assert versions(simulate(world)) == [0, 0, 0, 0, 1, 1, 1, 2]


def test_one_training_at_a_time_and_none_that_could_serve_no_decision():
    # 25 s each: those of 10, 40 and 70 s; the last of 8 decisions is at 70 s, so that is not begun.
    world = one_device(adaptation=FakeAdaptation(8).on_device(1, training_flops=25e6))
    result = simulate(world)
    log = result.adaptation.log
    assert [each.start_s for each in log.trainings] == [10.0, 40.0]
    assert log.skipped_while_training == 4  # 20, 30, 50, 60 s
    assert versions(result) == [0, 0, 0, 0, 1, 1, 1, 2]


def test_the_compute_budget_lets_a_device_train_as_often_as_it_pays_for():
    # 36 MFLOP at first, and 0.1 MFLOP in 10 s: two trainings of 18 MFLOP, then a long pause.
    hardware = DeviceSettings(sustained_flops=1e12, compute_budget_flops_per_hour=36e6)
    adaptation = FakeAdaptation(8).on_device(1, training_flops=18e6)
    result = simulate(one_device(adaptation=adaptation, hardware=hardware))
    assert [each.start_s for each in result.adaptation.log.trainings] == [10.0, 20.0]
    assert result.adaptation.log.skipped_for_budget == 4


def test_a_budget_flows_in_up_to_an_hours_worth():
    budget = ComputeBudget(flops_per_hour=3600.0)
    assert budget.spend(0.0, 3600.0)
    assert not budget.spend(10.0, 10.5)
    assert budget.spend(10.5, 10.5)
    assert not budget.spend(10.5, 1e-6)
    assert budget.spend(1e6, 3600.0)
    assert not budget.spend(1e6, 1.0)


def test_a_device_trains_on_the_list_that_it_shows():
    fake = FakeAdaptation(8)
    # Asked at steps 1, 3, 5 and answered in 5 s, so the list of step 1 is shown from step 2 on.
    world = one_device(
        policy=Periodic(every=2), service_s=5.0, adaptation=fake.on_device(every_interactions=2)
    )
    simulate(world)
    assert fake.models.begun == [(0, 1, 2, 1), (0, 2, 4, 3), (0, 3, 6, 5)]


def test_in_mode_wait_training_starts_after_the_wait_with_the_new_list():
    fake = FakeAdaptation(4)
    world = one_device(
        4,
        policy=Always(),
        service_s=5.0,
        serving=ServingSettings(mode="wait", deadline_s=20.0),
        adaptation=fake.on_device(every_interactions=2, training_flops=1e6),
    )
    result = simulate(world)
    # Decisions at 0, 15, 30: shown at 35 after the wait.
    assert [each.start_s for each in result.adaptation.log.trainings] == [35.0]
    assert fake.models.begun == [(0, 1, 2, 2)]
    assert versions(result) == [0, 0, 0, 1]


def test_the_policy_sees_what_the_parameters_in_force_say():
    fake = FakeAdaptation(8)
    threshold = Consistency(threshold=0.5)
    world = one_device(policy=threshold, adaptation=fake.on_device(every_interactions=2))
    result = simulate(world)
    records = result.interactions
    assert records.requested.any()
    for step, version in enumerate(versions(result)):
        if version and not records.suppressed[0, step]:
            row = int(records.held_row[0, step])
            said = fake.models.signal("footrule", 0, version, row)[step]
            assert records.requested[0, step] == (said < 0.5)
            assert result.adaptation.outcome.consistency[0, step] == said


def test_pushed_weights_are_in_force_from_the_first_decision_after_their_download():
    # 1 Mbit/s down and half a second of latency: 125,000 bytes take 1.5 s.
    network = PresetNetwork.model_validate(
        {"down_bps": 1e6, "up_bps": 1e6, "rtt_s": 1.0, "framing": {"header_bytes": 0}}
    )
    fake = FakeAdaptation(8)
    adaptation = fake.from_cloud(every_s=25.0, flops=2e9, parameter_bytes=125_000)
    result = simulate(one_device(network=network, adaptation=adaptation))
    log = result.adaptation.log
    # The n-th takes 2 n s, so the second lasts from 50 to 54 s; the third ends after 70 s.
    assert [(each.start_s, each.end_s) for each in log.trainings] == [(25.0, 27.0), (50.0, 54.0)]
    assert [(push.start_s, push.received_s) for push in log.pushes] == [(27.0, 28.5), (54.0, 55.5)]
    assert versions(result) == [0, 0, 0, 1, 1, 1, 2, 2]
    assert result.pushed_bytes == 250_000
    assert result.adaptation.log.on_devices_s(np.ones(1, bool)) == 0


def test_a_training_that_outlasts_its_turn_skips_the_next():
    adaptation = FakeAdaptation(8).from_cloud(every_s=10.0, flops=12e9, parameter_bytes=0)
    result = simulate(one_device(adaptation=adaptation))
    # The first lasts 12 s, the second 24 s.
    assert [each.start_s for each in result.adaptation.log.trainings] == [10.0, 30.0, 60.0]
    assert versions(result) == [0, 0, 0, 1, 1, 1, 2, 2]


def test_late_devices_download_the_newest_weights_when_they_start():
    world = one_device(devices=3, users=3, adaptation=FakeAdaptation(8).from_cloud(20.0, 0.0, 1000))
    start_s = np.array([0.0, 45.0, 60.0])
    sessions = replace(world.sessions, start_s=start_s)
    world = type(world)(**{**vars(world), "sessions": sessions})
    log = simulate(world).adaptation.log
    joined = [(push.device, push.version) for push in log.pushes if push.start_s == 45.0]
    assert joined == [(1, 2)]
    # Device 2 starts in the very instant of the third release: just before it.
    assert [(p.device, p.version) for p in log.pushes if p.start_s == 60.0] == [
        (0, 3),
        (1, 3),
        (2, 2),
        (2, 3),
    ]
    # Device 0 decides for the last time at 70 s.
    assert max(push.start_s for push in log.pushes if push.device == 0) == 60.0


def test_pushes_cost_the_radio_what_other_downloads_do():
    def energy(parameter_bytes):
        network = PresetNetwork.model_validate({"preset": "3g"})
        fake = FakeAdaptation(4)
        adaptation = fake.from_cloud(every_s=15.0, parameter_bytes=parameter_bytes)
        world = one_device(4, network=network, adaptation=adaptation, think_s=7.0)
        return simulate(world).energy_j

    small, large = energy(1_000), energy(100_000)
    assert small["radio_promotion"] == large["radio_promotion"] > 0
    assert large["radio_transfer"] > small["radio_transfer"] > 0


def test_pushes_have_draws_of_their_own_however_many_there_are():
    jitter = {"distribution": "lognormal", "sigma": 0.5}
    network = PresetNetwork.model_validate({"preset": "ideal", "rtt_s": 2.0, "jitter": jitter})
    fake = FakeAdaptation(4)
    adaptation = fake.from_cloud(every_s=5.0, parameter_bytes=1000)
    world = one_device(
        4, policy=Always(), network=network, adaptation=adaptation, think_s=15.0, devices=3
    )
    result = simulate(world)
    requests, pushes = result.requests, result.adaptation.log.pushes
    assert max(push.version for push in pushes) > world.table.steps
    there = np.isfinite(requests.received_s)
    replies_s = requests.received_s[there] - requests.service_end_s[there]
    downloads_s = np.array([push.received_s - push.start_s for push in pushes])
    downloads_s = downloads_s[np.isfinite(downloads_s)]
    assert len(np.unique(downloads_s.round(9))) == len(downloads_s) > 20
    assert not np.isin(downloads_s.round(9), replies_s.round(9)).any()


def test_the_cloud_learns_what_requests_have_brought_it_by_then():
    fake = FakeAdaptation(8)
    world = one_device(
        policy=Periodic(every=3), adaptation=fake.from_cloud(every_s=15.0), service_s=1.0
    )
    simulate(world)
    # Requests at 20 s (step 2) and 50 s (step 5); before, the cloud lacks one interaction of H_0.
    assert [known.tolist() for known in fake.models.snapshots] == [[-1], [2], [2], [5]]


@pytest.mark.parametrize("behaviour", ["refuse", "silent"])
def test_the_cloud_learns_nothing_from_attempts_that_it_does_not_take_in(behaviour):
    fake = FakeAdaptation(8)
    outage = {"start_s": 40.0, "duration_s": 15.0, "behaviour": behaviour}
    world = one_device(
        policy=Periodic(every=3),
        adaptation=fake.from_cloud(every_s=15.0),
        service_s=1.0,
        serving=ServingSettings(timeout_s=5.0),
        faults=FaultSettings.model_validate({"outages": (outage,)}),
    )
    simulate(world)
    # The request at 50 s (step 5) meets the outage.
    assert [known.tolist() for known in fake.models.snapshots] == [[-1], [2], [2], [2]]


def test_policies_that_do_not_read_consistency_run_no_model(monkeypatch):
    fake = FakeAdaptation(8)
    world = one_device(policy=Always(), adaptation=fake.on_device(2))

    def forbidden(*_):
        raise AssertionError("asked")

    monkeypatch.setattr("fake_adaptation.FakeModels.signal", forbidden)
    monkeypatch.setattr("fake_adaptation.FakeModels.outcome", lambda *_: None)
    assert len(simulate(world).adaptation.log.trainings) == 3


def test_without_adaptation_all_records_are_of_version_0():
    result = simulate(one_device())
    assert result.adaptation is None
    assert not result.interactions.version.any()
    assert result.pushed_bytes == 0
