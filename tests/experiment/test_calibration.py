"""Policies calibrated on other users: what is reached, and who decides for whom."""

import dataclasses
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_scenario import TINY

from experiment.calibration.bisection import ALWAYS, MOST_TRIALS, TOLERANCE, bisect
from experiment.calibration.calibrating_world import MOST_DEVICES, calibrating_world
from experiment.calibration.halves import half_of_users
from experiment.calibration.request_policy import request_policy
from experiment.preparation import prepare
from experiment.scenario import from_mapping
from models.errors import ModelError
from models.outcomes import Outcomes
from sim.engine import simulate
from sim.policies import PolicyView
from sim.policies.age_and_consistency import AgeAndConsistency
from sim.policies.calibration_cells import CalibrationCells
from sim.policies.consistency import Consistency
from sim.policies.never import Never
from workloads.progress import SILENT


def preparation(directories, policy, **sections):
    scenario = from_mapping({**TINY, "policy": policy, **sections}, "tiny.yaml").scenario
    return prepare(scenario, directories, SILENT)


@given(wanted=st.floats(0.01, 0.99), bend=st.floats(0.5, 5.0))
def test_bisection_finds_the_wanted_frequency_of_any_rising_curve(wanted, bend):
    trials = []

    def frequency_of(eagerness):
        trials.append(eagerness)
        return eagerness**bend

    found, same = bisect(frequency_of, wanted)
    assert found == same
    assert abs(found.frequency - wanted) <= TOLERANCE
    assert len(trials) <= MOST_TRIALS
    assert found.frequency == frequency_of(found.eagerness)


@given(wanted=st.floats(0.01, 0.99), height=st.sampled_from([0.1, 0.25]))
def test_bisection_tells_between_which_frequencies_a_curve_jumps(wanted, height):
    below, above = bisect(lambda eagerness: np.floor(eagerness / height) * height, wanted)
    assert below.frequency <= wanted + TOLERANCE
    assert above.frequency >= wanted - TOLERANCE
    assert above.eagerness - below.eagerness < 0.01
    assert above.frequency - below.frequency <= height + 1e-9 or above.eagerness == 1.0


def test_bisection_ends_where_the_most_is_not_enough():
    below, above = bisect(lambda eagerness: 0.4 * eagerness, 0.7)
    assert above == ALWAYS
    assert below.frequency < 0.4


@given(seed=st.integers(0, 2**40), users=st.integers(1, 200))
def test_halves_are_as_large_as_one_another(seed, users):
    half = half_of_users(seed, users)
    assert set(half) <= {0, 1}
    assert (half == 0).sum() - (half == 1).sum() in (0, 1)


KINDS = [
    {"kind": "random"},
    {"kind": "periodic"},
    {"kind": "staleness"},
    {"kind": "consistency"},
    {"kind": "consistency", "measure": "kendall"},
    {"kind": "consistency", "measure": "top_overlap"},
    {"kind": "consistency_drop"},
    {"kind": "age_and_consistency"},
    {"kind": "interest_drift"},
    {"kind": "uncertainty"},
    {"kind": "uncertainty", "by": "margin"},
    {"kind": "learned"},
    {"kind": "network_aware", "inner": {"kind": "consistency"}},
    {"kind": "network_aware", "inner": {"kind": "periodic"}},
    {"kind": "budgeted", "inner": {"kind": "always"}},
    {"kind": "hindsight"},
]


@pytest.mark.parametrize("policy", KINDS, ids=lambda policy: "-".join(map(str, policy.values())))
def test_a_wanted_frequency_is_reached_on_users_that_did_not_calibrate_it(directories, policy):
    wanted = {**policy, "target_frequency": 0.3}
    ready = preparation(directories, wanted, workload={**TINY["workload"], "devices": 200})
    settled = request_policy(ready, SILENT)
    records = simulate(settled.world).interactions
    requests, users = records.requested.sum(axis=1), settled.world.sessions.user
    by_user = np.bincount(users, requests) / np.bincount(users, records.happened.sum(axis=1))
    error = by_user.std(ddof=1) / np.sqrt(len(by_user))
    assert settled.facts["reached"]
    assert abs(records.requested.sum() / records.interactions - 0.3) <= 0.02 + 2 * error


def test_never_and_always_stay_as_they_are(directories):
    for kind in ("never", "always"):
        settled = request_policy(preparation(directories, {"kind": kind}), SILENT)
        assert settled.world.assigned is None
        assert settled.facts["parameter"] is None
        assert settled.facts["reached"]


def test_an_unreachable_frequency_warns_and_comes_as_near_as_it_can(directories, caplog):
    few = {"kind": "budgeted", "per_hour": 10.0, "inner": {"kind": "random"}}
    few["inner"]["target_frequency"] = 0.9
    with caplog.at_level(logging.WARNING):
        settled = request_policy(preparation(directories, few), SILENT)
    assert not settled.facts["reached"]
    assert "budgeted: random cannot ask at 90.0% of steps" in caplog.text
    most = simulate(
        dataclasses.replace(settled.world, policy=settled.policies[0], assigned=None)
    ).interactions
    asked = most.requested.sum() / most.interactions
    assert settled.facts["calibrating_frequency"][0] == pytest.approx(asked, abs=0.03)
    assert asked < 0.2


def test_what_is_told_is_the_parameter_that_was_found(directories):
    plenty = {"kind": "budgeted", "per_hour": 9e9, "inner": {"kind": "random"}}
    plenty["inner"]["target_frequency"] = 0.3
    settled = request_policy(preparation(directories, plenty), SILENT)
    assert settled.facts["parameter"] == "probability"
    found = [each.inner.probability for each in settled.policies]
    assert settled.facts["calibrated"] == found
    assert found == pytest.approx([0.3, 0.3], abs=0.05)


def test_a_frequency_below_the_least_is_told(directories):
    # On Wi-Fi each request is cheap, and asked with a chance of at least .3.
    eager = {"kind": "network_aware", "earlier": 0.3, "inner": {"kind": "random"}}
    eager["target_frequency"] = 0.05
    settled = request_policy(preparation(directories, eager, network={"preset": "wifi"}), SILENT)
    assert not settled.facts["reached"]
    assert settled.facts["calibrating_frequency"] == pytest.approx([0.3, 0.3], abs=0.05)


def test_a_user_alone_is_calibrated_by_nobody(directories):
    ready = preparation(directories, {"kind": "random", "target_frequency": 0.3})
    one = dataclasses.replace(ready.split, device_users=ready.split.device_users[:1])
    alone = dataclasses.replace(ready, split=one)
    with pytest.raises(ModelError, match="at least two"):
        request_policy(alone, SILENT)


def test_users_do_not_calibrate_themselves(directories, monkeypatch):
    """Other replays of one half change the policy of the other half only."""
    ready = preparation(directories, {"kind": "age_and_consistency", "target_frequency": 0.3})
    half = half_of_users(0, len(ready.split.device_users))
    first = request_policy(ready, SILENT).policies
    make_world = type(ready).world

    def world_with_other_replays(self, policy):
        world = make_world(self, policy)
        footrule = np.array(world.table.signal("footrule"))
        footrule[half == 0] = 1 - footrule[half == 0]
        rank = np.array(world.table.rank)
        rank[half == 0] = np.roll(rank[half == 0], 7, axis=1)
        signals = {**world.table.signals, "footrule": footrule}
        table = dataclasses.replace(world.table, rank=rank, signals=signals)
        return dataclasses.replace(world, table=table)

    monkeypatch.setattr(type(ready), "world", world_with_other_replays)
    second = request_policy(ready, SILENT).policies
    assert second[0] == first[0]  # of the first half, settled on the second
    assert second[1] != first[1]


def test_nothing_that_is_learned_of_users_decides_their_threshold(
    directories, monkeypatch, tmp_path
):
    """Also not by way of predictions for the users who calibrate it."""
    ready = preparation(directories, {"kind": "learned", "threshold": {"quantile": 0.8}})
    half = half_of_users(0, len(ready.split.device_users))
    first = request_policy(ready, SILENT).policies
    ranks_of = Outcomes.rank_by_fusion

    def other_ranks(self, variant):
        rank = np.array(ranks_of(self, variant))
        rank[half == 0] = np.roll(rank[half == 0], 7, axis=1)
        return rank

    monkeypatch.setattr(Outcomes, "rank_by_fusion", other_ranks)
    # In another cache: in the first one lies what the tables as they are on disk have taught.
    second = request_policy(dataclasses.replace(ready, cache=tmp_path), SILENT).policies
    assert second[0] == first[0]
    assert second[1] != first[1]


def test_quantiles_are_those_of_the_other_half(directories):
    ready = preparation(directories, {"kind": "consistency", "threshold": {"quantile": 0.25}})
    settled = request_policy(ready, SILENT)
    half = half_of_users(0, len(ready.split.device_users))
    for mine, policy in enumerate(settled.policies):
        others = np.flatnonzero(half != mine)
        cells = CalibrationCells.of(settled.world.table, others, 1, ["footrule"])
        expected = np.quantile(cells.view.signals["footrule"].astype(float), 0.25)
        assert policy == Consistency(threshold=float(expected))
    assert settled.facts["calibrated"] == [each.threshold for each in settled.policies]
    assert settled.facts["value"] is None


def test_the_weight_of_age_is_the_ratio_of_what_age_and_disagreement_gain():
    generator = np.random.default_rng(0)
    age = generator.integers(1, 10, 5000)
    consistency = generator.random(5000).astype(np.float32)
    nothing = np.zeros(5000)
    view = PolicyView(0, age, nothing, nothing, signals={"footrule": consistency})
    gain = 0.03 * age + 0.2 * (1 - consistency) - 0.1
    fitted = AgeAndConsistency(threshold=0.5).fitted(CalibrationCells(view, gain))
    assert fitted.age_weight == pytest.approx(0.15, rel=1e-5)


def test_a_calibrating_world_has_the_load_of_the_scenario(directories):
    ready = preparation(
        directories,
        {"kind": "never"},
        workload={**TINY["workload"], "devices": 9000},
        cloud={"replicas": 6, "service_time": {"kind": "fixed", "seconds": 0.3}},
    )
    world = ready.world(Never())
    users = np.arange(0, 40, 2)
    users = users[users < len(ready.split.device_users)]
    small = calibrating_world(ready, world, users, Never())
    assert small.devices == 1500 <= MOST_DEVICES
    assert small.replicas == 1
    assert set(small.sessions.user) == set(users.tolist())
    assert small.sessions.start_s.max() > 50  # over the same time


def test_windows_too_short_to_settle_anything_are_told(directories):
    ready = preparation(
        directories,
        {"kind": "consistency", "target_frequency": 0.3},
        workload={**TINY["workload"], "replay_steps": 2},
    )
    with pytest.raises(ModelError, match="at least 3"):
        request_policy(ready, SILENT)


def test_a_window_of_one_step_can_be_foretold(directories):
    one = {**TINY["workload"], "replay_steps": 1}
    ready = preparation(directories, {"kind": "learned", "threshold": -1.0}, workload=one)
    assert simulate(request_policy(ready, SILENT).world).interactions.requested.all()


@pytest.mark.parametrize("policy", [{"kind": "learned", "threshold": 0.0}, {"kind": "hindsight"}])
def test_what_needs_the_tables_of_the_shipped_model_says_so(directories, policy):
    wanted = policy if "threshold" in policy else {**policy, "target_frequency": 0.3}
    models = {**TINY["models"], "adaptation": {"kind": "on_device"}}
    with pytest.raises(ModelError, match="which this run re-trains"):
        request_policy(preparation(directories, wanted, models=models), SILENT)
