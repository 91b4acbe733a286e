"""Points of a sweep that fail: recorded, told in one line, and tried again."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tiny_scenario import TINY

from experiment.command import main


@pytest.fixture(autouse=True)
def _environment(monkeypatch, directories, tmp_path):
    monkeypatch.setenv("LSC_CACHE", str(directories.cache))
    monkeypatch.chdir(tmp_path)


def command(*words, **sections):
    Path("tiny.yaml").write_text(yaml.safe_dump({**TINY, **sections}))
    return main(["tiny.yaml", "--out", "out", "--quiet", "--jobs", "1", *words])


def error_line(capsys):
    (line,) = capsys.readouterr().err.splitlines()
    return line


def failures():
    return json.loads(Path("out/failed.json").read_text())["failed"]


def test_what_cannot_be_prepared_is_recorded_and_the_rest_go_on(capsys):
    sweep = {"models.candidates.count": [20, 100], "policy.threshold": [0.0, 0.45]}
    assert command(sweep=sweep) == 2
    line = error_line(capsys)
    assert line.startswith(
        "error: tiny.yaml: 2 of 4 points failed, the first at models.candidates.count=100, "
        "policy.threshold=0.0: models.candidates.count: 100 candidates do not fit"
    )
    assert "failed.json" in line
    first, second = failures()
    assert first["values"] == {"models.candidates.count": 100, "policy.threshold": 0.0}
    assert second["values"] == {"models.candidates.count": 100, "policy.threshold": 0.45}
    assert (first["error"], first["key"]) == ("ModelError", "models.candidates.count")
    assert first["traceback"] is None
    table = pd.read_parquet("out/sweep.parquet")
    assert list(table["models.candidates.count"]) == [20, 20]
    assert Path("out/report.html").is_file()
    assert {path.name for path in Path("out/points").iterdir()} == {*table["id"]}


def test_a_mistake_of_the_program_is_recorded_with_its_traceback(monkeypatch, capsys):
    import experiment.compared_worlds

    simulate = experiment.compared_worlds.simulate

    def fail_at_one(world, progress):
        if getattr(world.policy, "threshold", None) == 0.45:
            raise ZeroDivisionError("of a world")
        return simulate(world, progress)

    with monkeypatch.context() as patch:
        patch.setattr(experiment.compared_worlds, "simulate", fail_at_one)
        assert command(sweep={"policy.threshold": [0.0, 0.45]}) == 1
    assert (
        "1 of 2 points failed, the first at policy.threshold=0.45: ZeroDivisionError: of a wo"
        in (error_line(capsys))
    )
    (failure,) = failures()
    assert failure["message"] == "ZeroDivisionError: of a world"
    assert "fail_at_one" in failure["traceback"]
    (kept,) = Path("out/points").iterdir()
    made = (kept / "summary.json").stat().st_mtime_ns
    # A sweep with a failure is no finished result that a second command would leave alone.
    assert command("--resume", sweep={"policy.threshold": [0.0, 0.45]}) == 0
    assert capsys.readouterr().err == ""
    assert not Path("out/failed.json").exists()
    assert (kept / "summary.json").stat().st_mtime_ns == made
    assert list(pd.read_parquet("out/sweep.parquet")["policy.threshold"]) == [0.0, 0.45]


def test_if_no_point_finishes_there_is_no_table_and_no_report(monkeypatch, capsys):
    def fail(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("experiment.compared_worlds.simulate", fail)
        assert command(sweep={"policy.threshold": [0.0, 0.45]}) == 1
    assert "2 of 2 points failed" in error_line(capsys)
    assert [path.name for path in Path("out").iterdir()] == ["failed.json"]
    # As the line said, --resume tries them again.
    assert command("--resume", sweep={"policy.threshold": [0.0, 0.45]}) == 0
    assert len(pd.read_parquet("out/sweep.parquet")) == 2


def test_what_is_wrong_with_all_points_is_told_as_of_one_run(capsys):
    assert command(sweep={"policy.threshold": [0.0, 0.45]}, workload={"dataset": "./none"}) == 2
    line = error_line(capsys)
    assert line.startswith("error: tiny.yaml: workload.dataset: ")
    assert not Path("out").exists()
