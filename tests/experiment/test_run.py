"""Whole runs with small real models: the output contract, and simulation against the models."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import yaml
from numpy.testing import assert_array_equal
from tiny_scenario import TINY

from analysis.accuracy import Accuracies, by_user
from analysis.metrics import METRICS, per_interaction
from analysis.summary import accuracy_block
from experiment.directories import Directories
from experiment.preparation import prepare
from experiment.run import run_scenario
from experiment.scenario import dump, from_mapping
from workloads.errors import WorkloadError
from workloads.progress import SILENT

IDEAL = {
    "policy": {"kind": "always"},
    "serving": {"mode": "wait"},
    "network": {"preset": "ideal"},
    "devices": {"sustained_flops": math.inf},
    "cloud": {"service_time": {"kind": "fixed", "seconds": 0.0}, "batching": {"size": 1}},
}


def scenario(**sections):
    return from_mapping({**TINY, **sections}, "tiny.yaml").scenario


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    """A cache in which no other test has trained anything."""
    return Directories(data=None, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, directories):
    """The directory and summary of one run."""
    directory = tmp_path_factory.mktemp("runs") / "tiny"
    summary = run_scenario(
        scenario(),
        directory,
        SILENT,
        dropped_keys=["network.old"],
        command_line=["tiny.yaml"],
        directories=directories,
    )
    return directory, summary


def without_engine(text):
    summary = json.loads(text)
    del summary["engine"]
    return json.dumps(summary)


def test_every_promised_file_is_there(finished):
    directory, summary = finished
    names = {path.name for path in directory.iterdir()}
    assert names >= {
        "scenario.yaml",
        "manifest.json",
        "interactions.parquet",
        "requests.parquet",
        "summary.json",
        "report.html",
        "figures",
    }
    assert json.loads((directory / "summary.json").read_text()) == summary
    assert not [path for path in directory.parent.iterdir() if path.name.startswith(".")]


def test_summary_agrees_with_the_records(finished):
    directory, summary = finished
    interactions = pd.read_parquet(directory / "interactions.parquet")
    requests = pd.read_parquet(directory / "requests.parquet")
    assert summary["interactions"] == len(interactions) == 50 * 8
    assert summary["requests"] == len(requests) == interactions["requested"].sum()
    assert sum(summary["outcomes"].values()) == summary["requests"]
    assert summary["bytes"]["up"] == requests["bytes_up"].sum()
    rank = interactions["rank"].fillna(0).to_numpy(dtype=int)
    metrics = per_interaction(rank)
    for metric in METRICS:
        assert summary["accuracy"][metric]["mean"] == pytest.approx(metrics[metric].mean())
    energy = summary["energy_j"]
    assert energy["total"] == pytest.approx(energy["compute"] + energy["radio"])
    assert energy["per_device"] == pytest.approx(energy["total"] / 50)


def test_bytes_follow_the_payload_formula(finished):
    directory, _ = finished
    requests = pd.read_parquet(directory / "requests.parquet")
    for _, own in requests.groupby("device"):
        known = -1  # the preloaded list lacks one interaction
        for request in own.itertuples():
            assert request.bytes_up == 300 + 4 * (request.step - known)
            if request.outcome == "delivered":
                known = request.step
                assert request.bytes_down == 300 + 8 * 20


def test_the_records_say_what_was_shown(finished):
    directory, _ = finished
    interactions = pd.read_parquet(directory / "interactions.parquet")
    first = interactions[interactions["step"] == 0]
    assert (first["list_source"] == "stale").all()
    assert (first["list_age_steps"] == 1).all()
    assert first["list_age_s"].isna().all()
    asked_for = interactions["list_age_s"].notna()
    assert (interactions.loc[asked_for, "list_age_steps"] >= 1).all()
    assert (interactions["wanted"] == interactions["requested"]).all()
    assert not (interactions["requested"] & interactions["suppressed"]).any()
    assert (interactions["rank"].dropna() >= 1).all()


def test_the_resolved_scenario_repeats_the_run(finished, tmp_path, directories):
    directory, summary = finished
    values = yaml.safe_load((directory / "scenario.yaml").read_text())
    again = run_scenario(
        from_mapping(values, "scenario.yaml").scenario,
        tmp_path / "again",
        SILENT,
        directories=directories,
    )
    ours, theirs = ((path / "summary.json").read_text() for path in (directory, tmp_path / "again"))
    assert without_engine(ours) == without_engine(theirs)
    for file in ("interactions.parquet", "requests.parquet", "scenario.yaml"):
        assert (directory / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    assert again["engine"]["cached"]
    assert again["engine"]["wall_s"]["train"] == 0.0
    assert not summary["engine"]["cached"]


def test_another_seed_is_another_run_of_the_same_models(finished, tmp_path, directories):
    directory, _ = finished
    other = run_scenario(
        from_mapping(TINY, "tiny.yaml", seed=1).scenario,
        tmp_path / "other",
        SILENT,
        directories=directories,
    )
    assert other["engine"]["cached"]
    ours = (directory / "summary.json").read_text()
    assert without_engine(ours) != without_engine((tmp_path / "other/summary.json").read_text())


def test_another_device_changes_no_draw_of_the_others(directories):
    def sessions(devices):
        workload = {**TINY["workload"], "devices": devices}
        return prepare(scenario(workload=workload), directories, SILENT).sessions

    few, more = sessions(50), sessions(51)
    assert_array_equal(few.user, more.user[:50])
    assert_array_equal(few.start_s, more.start_s[:50])
    assert_array_equal(few.think_s, more.think_s[:50])


def test_manifest_names_everything_that_the_result_depends_on(finished):
    directory, _ = finished
    manifest = json.loads((directory / "manifest.json").read_text())
    assert manifest["command_line"] == ["tiny.yaml"]
    assert manifest["dropped_keys"] == ["network.old"]
    assert set(manifest["hashes"]) == {
        "dataset",
        "split",
        "srm_weights",
        "llm_weights",
        "outcomes",
    }
    assert all(len(digest) == 64 for digest in manifest["hashes"].values())
    assert manifest["seeds"] == {"simulation": 0, "workload": 0, "models": 0}
    assert manifest["models"]["llm"]["parameters"] > 0
    assert "torch" in manifest["versions"]


def test_without_delay_always_is_the_pipeline_evaluated_offline(tmp_path, directories):
    """The simulated accuracy equals that of the models alone, to the last digit."""
    ideal = scenario(**IDEAL)
    summary = run_scenario(ideal, tmp_path / "ideal", SILENT, directories=directories)
    preparation = prepare(ideal, directories, SILENT)
    outcomes, user = preparation.models.outcomes, preparation.sessions.user
    fresh = [outcomes.cell_offset[step] + step for step in range(outcomes.steps)]
    rank = outcomes.rank_by_fusion(3)[user][:, fresh].ravel().astype(int)
    shown = pd.read_parquet(tmp_path / "ideal" / "interactions.parquet")["rank"]
    assert_array_equal(shown.fillna(0).to_numpy(dtype=int), rank)
    # The summary adds up user by user, so that is how the offline mean has to be added up too.
    log_user = np.repeat(preparation.split.device_users[user], outcomes.steps)
    offline = accuracy_block(Accuracies(by_user(log_user, {"offline": rank})), "offline")
    assert summary["accuracy"] == offline
    assert summary["baselines"]["always_ideal"] == offline
    assert summary["request_frequency"] == 1.0
    assert summary["display_wait_s"]["p99"] == 0.0


@pytest.mark.parametrize(("threshold", "wanted"), [(0.0, 0.0), (1.01, 1.0)])
def test_extreme_thresholds(tmp_path, directories, threshold, wanted):
    extreme = scenario(policy={"kind": "consistency", "threshold": threshold})
    summary = run_scenario(extreme, tmp_path / "extreme", SILENT, directories=directories)
    assert summary["wanted_frequency"] == wanted
    baseline = "never" if wanted == 0 else "always"
    assert summary["accuracy"] == summary["baselines"][baseline]


def test_a_run_that_breaks_leaves_nothing_under_its_name(tmp_path, directories, monkeypatch):
    def break_off(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiment.run.report.write", break_off)
    with pytest.raises(KeyboardInterrupt):
        run_scenario(scenario(), tmp_path / "broken", SILENT, directories=directories)
    assert list(tmp_path.iterdir()) == []


def test_the_scenario_is_written_fully_resolved(finished):
    directory, _ = finished
    written = (directory / "scenario.yaml").read_text()
    assert written == dump(scenario())
    assert yaml.safe_load(written)["network"]["rtt_s"] == 0.3


def test_think_times_that_the_log_lacks_are_refused_before_anything_trains(tmp_path):
    (tmp_path / "log.txt").write_text("".join(f"{u} 1 2 3 4 5 6 7 8 9 10\n" for u in range(1, 9)))
    workload = {
        **TINY["workload"],
        "dataset": str(tmp_path / "log.txt"),
        "replay_steps": 3,
        "calibration_steps": 1,
        "min_history": 3,
        "think_time": {"kind": "logged"},
    }
    directories = Directories(data=None, cache=tmp_path / "cache")
    with pytest.raises(WorkloadError, match="no logged times"):
        prepare(scenario(workload=workload), directories, SILENT)
    assert not (tmp_path / "cache" / "weights").exists()
