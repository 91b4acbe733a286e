"""Sweeps with small real models: points, resumption, and the number of processes."""

import json
import shutil

import pandas as pd
import pytest
from sweep_files import lasting_files
from tiny_scenario import TINY

from experiment.run import run_scenario
from experiment.scenario import from_mapping
from experiment.scenario_error import ScenarioError
from experiment.sole_use import sole_use
from experiment.sweep import run_sweep
from experiment.sweep_points import sweep_points
from sim.engine import simulate
from workloads.progress import SILENT

SWEEP = {"policy.threshold": [0.0, 0.45], "seeds": 2}


@pytest.fixture(autouse=True)
def _environment(monkeypatch, directories):
    monkeypatch.setenv("LSC_CACHE", str(directories.cache))


def sweep(directory, jobs=1, ray="", **sections):
    loaded = from_mapping({**TINY, "sweep": SWEEP, **sections}, "tiny.yaml")
    return run_sweep(loaded, directory, SILENT, jobs=jobs, ray=ray).table


@pytest.fixture(scope="module")
def finished(tmp_path_factory, directories):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSC_CACHE", str(directories.cache))
        directory = tmp_path_factory.mktemp("sweeps") / "one"
        sweep(directory)
    return directory


def test_every_point_is_a_run_and_a_row(finished):
    table = pd.read_parquet(finished / "sweep.parquet")
    assert list(table["policy.threshold"]) == [0.0, 0.0, 0.45, 0.45]
    assert list(table["seed"]) == [0, 1, 0, 1]
    assert (finished / "report.html").is_file()
    for row in table.itertuples():
        summary = json.loads((finished / "points" / row.id / "summary.json").read_text())
        assert summary["engine"]["cached"]
        assert summary["request_frequency"] == row.request_frequency
    assert (table.loc[table["policy.threshold"] == 0, "requests"] == 0).all()
    assert (table.loc[table["policy.threshold"] > 0, "requests"] > 0).all()


def test_two_processes_give_the_same_bytes(finished, tmp_path):
    sweep(tmp_path / "two", jobs=2)
    assert lasting_files(tmp_path / "two") == lasting_files(finished)


def test_shared_worlds_give_the_bytes_of_a_run_by_itself(finished, tmp_path, directories):
    loaded = from_mapping({**TINY, "sweep": SWEEP}, "tiny.yaml")
    point = sweep_points(loaded)[2]
    run_scenario(point.scenario, tmp_path / "alone", SILENT, directories=directories, point=True)
    alone = lasting_files(tmp_path / "alone")
    assert alone == lasting_files(finished / "points" / point.id)
    assert {"requests.parquet", "baseline_worlds.json", "figures/freshness_curve.svg"} <= {*alone}


def test_each_world_that_points_share_is_simulated_once(tmp_path, monkeypatch):
    import experiment.compared_world
    import experiment.compared_worlds

    worlds = []

    def counted(world, *rest):
        worlds.append((world.seed, world.policy.kind))
        return simulate(world, *rest)

    for module in (experiment.compared_world, experiment.compared_worlds):
        monkeypatch.setattr(module, "simulate", counted)
    sweep(tmp_path / "counted")
    assert sorted(worlds) == sorted(
        [(seed, kind) for seed in (0, 1) for kind in ("never", "always", *["consistency"] * 2)]
    )
    assert not list((tmp_path / "counted" / "points").glob(".*"))


def test_points_of_another_version_are_made_again(finished, tmp_path):
    directory = tmp_path / "older"
    shutil.copytree(finished, directory)
    old, other = sorted((directory / "points").iterdir())[:2]
    manifest = json.loads((old / "manifest.json").read_text())
    manifest["versions"] |= {"numpy": "1.0", "source": "another"}
    (old / "manifest.json").write_text(json.dumps(manifest))
    before = (other / "summary.json").stat().st_mtime_ns
    told = []
    loaded = from_mapping({**TINY, "sweep": SWEEP}, "tiny.yaml")
    run_sweep(loaded, directory, SILENT, tell=told.append)
    assert told == ["points made again: 1, as this program and numpy have changed since"]
    assert lasting_files(directory) == lasting_files(finished)
    assert (other / "summary.json").stat().st_mtime_ns == before


def test_a_killed_sweep_goes_on_with_its_missing_points_only(finished, tmp_path):
    directory = tmp_path / "killed"
    shutil.copytree(finished, directory)
    (directory / "sweep.parquet").unlink()
    kept, lost = sorted((directory / "points").iterdir())[:2]
    shutil.rmtree(lost)
    # What a kill leaves of a point in work is no result.
    (directory / "points" / f".{lost.name}.abc" / lost.name).mkdir(parents=True)
    before = (kept / "summary.json").stat().st_mtime_ns
    table = sweep(directory)
    assert len(table) == 4
    assert (kept / "summary.json").stat().st_mtime_ns == before
    assert {path.name for path in (directory / "points").iterdir()} == set(table["id"])
    again = json.loads((lost / "summary.json").read_text())
    first = json.loads((finished / "points" / lost.name / "summary.json").read_text())
    assert again["accuracy"] == first["accuracy"]


def test_two_at_once_do_not_work_in_one_directory(finished, tmp_path):
    directory = tmp_path / "busy"
    shutil.copytree(finished, directory)
    in_work = directory / "points" / ".shared"
    in_work.mkdir()
    with sole_use(directory / "points"):
        with pytest.raises(ScenarioError, match="another process works there"):
            sweep(directory)
        assert in_work.is_dir()
    sweep(directory)
    assert not in_work.exists()


def test_a_changed_scenario_reuses_no_point(finished, tmp_path):
    directory = tmp_path / "changed"
    shutil.copytree(finished, directory)
    old = {path.name for path in (directory / "points").iterdir()}
    table = sweep(directory, serving={"timeout_s": 5.0})
    assert not old & set(table["id"])


def test_points_that_sweep_the_models_train_before_the_fan_out(tmp_path):
    table = sweep(tmp_path / "models", sweep={"models.fusion": [1, 5]})
    assert len(table) == 2
    for point in table["id"]:
        summary = json.loads((tmp_path / "models" / "points" / point / "summary.json").read_text())
        assert summary["engine"]["cached"]


def test_a_missing_ray_cluster_is_a_line_of_advice(tmp_path):
    pytest.importorskip("ray", reason="the extra `cluster` is not installed")
    with pytest.raises(ScenarioError, match="no Ray cluster answers at"):
        sweep(tmp_path / "nowhere", ray="127.0.0.1:1")
