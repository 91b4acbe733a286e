"""Users who switch to another app and come back, and users who leave for good."""

import numpy as np
import pytest
from fake_adaptation import FakeAdaptation
from random_world import make_world
from scipy import stats

from sim.client.request import Outcome
from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.availability import Availability, AvailabilitySettings
from sim.device.settings import DeviceSettings
from sim.engine import simulate
from sim.network.preset import PresetNetwork
from sim.policies.always import Always
from sim.policies.never import Never
from sim.policies.periodic import Periodic

SETTINGS = AvailabilitySettings(on_s=40.0, off_s=10.0)
START_S = np.array([0.0, 5.0, 100.0])


def availability(seed=1, start_s=START_S):
    return Availability(SETTINGS, seed, start_s)


def changes_s(made, device, until_s=2000.0):
    """When a device left and came back, by asking for the next time in the foreground."""
    found = []
    for time_s in np.arange(START_S[device], until_s, 0.05).tolist():
        back_s = made.on_s(device, time_s)
        if back_s > time_s and (not found or back_s != found[-1]):
            found.append(back_s)
    return found


def test_an_app_is_in_the_foreground_when_its_session_begins():
    made = availability()
    for device, start_s in enumerate(START_S.tolist()):
        assert made.on_s(device, start_s) == start_s


def test_whoever_is_away_is_back_at_one_time_and_then_there():
    made = availability()
    for device in range(3):
        returns_s = changes_s(made, device)
        assert len(returns_s) > 10
        for back_s in returns_s:
            assert made.on_s(device, back_s) == back_s
            assert made.on_s(device, np.nextafter(back_s, 0)) == back_s


def test_times_do_not_depend_on_what_was_asked_before_or_of_whom():
    asked = availability()
    late_s = asked.on_s(2, 5000.0)
    assert [asked.on_s(0, time_s) for time_s in range(0, 300, 7)] == [
        availability().on_s(0, time_s) for time_s in range(0, 300, 7)
    ]
    assert availability(start_s=np.append(START_S, 0.0)).on_s(2, 5000.0) == late_s
    assert changes_s(availability(seed=2), 0) != changes_s(asked, 0)


@pytest.mark.parametrize("after_s", [5.0, 20.0, 400.0])
def test_absences_are_those_of_a_two_state_markov_process(after_s):
    made = availability(start_s=np.zeros(4000))
    away_s = np.array([made.on_s(device, after_s) for device in range(4000)]) - after_s
    away = away_s > 0
    # Leaving at the rate 1/40 and coming back at 1/10, having been there at 0.
    expected = 0.025 / 0.125 * (1 - np.exp(-0.125 * after_s))
    assert away.mean() == pytest.approx(expected, abs=3 * np.sqrt(expected / 4000))
    # The rest of an absence is as long as a whole one, on average and otherwise.
    assert stats.kstest(away_s[away] / 10, "expon").pvalue > 1e-3


class Away(Availability):
    """Away between given times."""

    def __init__(self, *periods):
        self._periods = periods

    def on_s(self, device, time_s):
        assert device == 0
        return next((end for start, end in self._periods if start <= time_s < end), time_s)


def one_device(*away, policy, service_s=0.0, steps=4, **parts):
    """One device that starts at 0, thinks for 10 s, and is away at given times."""
    world = make_world(
        devices=1,
        users=1,
        steps=steps,
        policy=policy,
        start_spread_s=0.0,
        think_s=np.full((1, steps - 1), 10.0),
        network=PresetNetwork.model_validate({"preset": "ideal"}),
        hardware=DeviceSettings(sustained_flops=float("inf"), availability=SETTINGS),
        cloud=CloudSettings(
            batching=StaticBatching(size=1, wait_s=0.0),
            service_time=FixedServiceTime(seconds=service_s),
        ),
        **parts,
    )
    world.__dict__["availability"] = Away(*away)
    return world


def test_a_decision_during_an_absence_is_taken_at_its_end():
    records = simulate(one_device((9.0, 15.0), (24.0, 25.0), policy=Never())).interactions
    # 10 falls into the first absence; 25 is the end of the second.
    np.testing.assert_array_equal(records.decision_s[0], [0, 15, 25, 35])


def test_a_reply_during_an_absence_is_there_when_the_user_is_back():
    world = one_device((3.0, 12.0), policy=Periodic(every=1), service_s=4.0)
    result = simulate(world)
    # Asked at 0, answered at 4, received at 12, which is also the next decision.
    np.testing.assert_array_equal(result.interactions.decision_s[0], [0, 12, 22, 32])
    np.testing.assert_array_equal(result.requests.reply_s[:2], [12.0, 16.0])
    np.testing.assert_array_equal(result.interactions.shown_row[0], [4, 0, 1, 2])
    assert result.requests.service_end_s[0] == 4.0


def test_patience_runs_on_during_an_absence():
    serving = ServingSettings(timeout_s=6.0)
    result = simulate(one_device((3.0, 12.0), policy=Always(), service_s=4.0, serving=serving))
    assert result.requests.outcome[0] == Outcome.TIMED_OUT
    assert result.interactions.shown_row[0, 1] == 4  # still the preloaded list


def test_whoever_waits_for_a_list_and_goes_away_sees_the_old_one_after_the_deadline():
    serving = ServingSettings(mode="wait", deadline_s=5.0)
    result = simulate(one_device((3.0, 12.0), policy=Always(), service_s=4.0, serving=serving))
    records = result.interactions
    assert records.shown_s[0, 0] == 5.0
    assert records.decision_s[0, 1] == 15.0
    np.testing.assert_array_equal(records.shown_row[0, :2], [4, 1])


def test_parameters_that_arrive_during_an_absence_are_in_force_when_the_user_is_back():
    adaptation = FakeAdaptation(4).from_cloud(every_s=11.0, parameter_bytes=0)
    result = simulate(one_device((9.0, 15.0), policy=Never(), adaptation=adaptation))
    np.testing.assert_array_equal(result.interactions.decision_s[0], [0, 15, 25, 35])
    np.testing.assert_array_equal(result.interactions.version[0], [0, 1, 2, 3])
    assert [push.received_s for push in result.adaptation.log.pushes] == [15.0, 22.0, 33.0]


def test_decisions_are_never_taken_while_away_and_never_before_thinking():
    world = make_world(
        devices=500,
        policy=Periodic(every=2),
        hardware=DeviceSettings(availability=AvailabilitySettings(on_s=30.0, off_s=30.0)),
    )
    records = simulate(world).interactions
    think_s = world.sessions.think_s
    earliest_s = records.shown_s[:, :-1] + think_s
    for (device, step), time_s in np.ndenumerate(earliest_s):
        assert records.decision_s[device, step + 1] == world.availability.on_s(device, time_s)
    # Who is there at one time is away t later with probability (1 - e^(-t / 30 - t / 30)) / 2, as
    # in every two-state Markov process with these rates.
    away = (records.decision_s[:, 1:] > earliest_s).mean()
    assert away == pytest.approx(((1 - np.exp(-think_s / 15)) / 2).mean(), abs=0.02)


def test_steps_after_a_user_left_leave_nothing():
    lived_steps = np.array([1, 3, 5])
    world = make_world(devices=3, users=3, steps=5, policy=Always(), lived_steps=lived_steps)
    result = simulate(world)
    records, requests = result.interactions, result.requests
    np.testing.assert_array_equal(records.happened.sum(axis=1), lived_steps)
    assert records.interactions == 9
    assert result.simulated_s == records.shown_s.max()
    last_decision_s = [
        records.decision_s[device, steps - 1] for device, steps in enumerate(lived_steps)
    ]
    np.testing.assert_array_equal(records.last_decision_s, last_decision_s)
    assert not records.decision_s[~records.happened].any()
    assert (requests.step < lived_steps[requests.device]).all()
    scorings = 9 + (records.shown_row != records.held_row).sum()
    assert result.energy_j["compute"] == pytest.approx(1.5 * 7e6 / 5e9 * scorings)


def test_who_leaves_changes_nothing_before():
    def world(lived_steps):
        cloud = CloudSettings(
            replicas=1000,
            batching=StaticBatching(size=1, wait_s=0.0),
            service_time=FixedServiceTime(seconds=0.5),
        )
        return make_world(devices=20, policy=Always(), cloud=cloud, lived_steps=lived_steps)

    lived_steps = np.random.default_rng(0).integers(1, 13, 20)
    stayed, left = (simulate(world(steps)).interactions for steps in (None, lived_steps))
    for name in ("decision_s", "shown_s", "shown_row", "requested"):
        np.testing.assert_array_equal(
            getattr(stayed, name)[left.happened], getattr(left, name)[left.happened]
        )


def test_a_reply_after_its_user_left_is_superseded():
    world = make_world(
        devices=2,
        users=2,
        steps=3,
        policy=Periodic(every=2),
        start_spread_s=0.0,
        think_s=np.full((2, 2), 10.0),
        lived_steps=np.array([2, 3]),
        network=PresetNetwork.model_validate({"preset": "ideal"}),
        hardware=DeviceSettings(sustained_flops=float("inf")),
        cloud=CloudSettings(
            batching=StaticBatching(size=2, wait_s=0.0),
            service_time=FixedServiceTime(seconds=3.0),
        ),
    )
    # Both ask at step 1, at 10 s; one of them is not there any more at 20 s.
    assert list(simulate(world).requests.outcome) == [Outcome.SUPERSEDED, Outcome.DELIVERED]
