"""A result is one of the files that its scenario names: another content of them is another run."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tiny_scenario import TINY

from experiment.command import main
from experiment.named_contents import file_hashes
from experiment.scenario import from_mapping

PROFILE = {
    "machine": {"processor": "x", "threads": 1},
    "model": {"name": "m", "parameters": 1000},
    "measured_on": "2026-01-02",
    "prefill": {"seconds": 0.1},
    "decode": {"seconds": 0.01},
    "validity": {"batch_size": [1, 64], "prompt_tokens": [1, 4096]},
    "error": {"median": 0.0, "p95": 0.0},
}


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch, directories):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LSC_CACHE", str(directories.cache))
    monkeypatch.delenv("LSC_DATA", raising=False)
    monkeypatch.delenv("LSC_TRACES", raising=False)
    write_trace(0)
    write_profile(0.1)


def write_trace(shift_ms):
    for way in ("up", "down"):
        Path(f"drive.{way}").write_text("".join(f"{t + shift_ms}\n" for t in range(1, 9)))


def write_profile(seconds):
    text = yaml.safe_dump({**PROFILE, "prefill": {"seconds": seconds}})
    Path("profile.yaml").write_text(text.replace("'2026-01-02'", "2026-01-02"))


def tiny(**sections):
    values = {
        **TINY,
        "network": {"kind": "trace", "up": "drive.up", "down": "./drive.down", "rtt_s": 0.1},
        "cloud": {"service_time": {"kind": "profile", "path": "profile.yaml"}},
        **sections,
    }
    Path("tiny.yaml").write_text(yaml.safe_dump(values))
    return "tiny.yaml"


def resumed(path, status, capsys):
    assert main([path, "--out", "out", "--resume", "--quiet"]) == status
    return capsys.readouterr().err


def test_a_finished_run_of_changed_files_is_not_resumed(capsys):
    path = tiny()
    assert resumed(path, 0, capsys) == ""
    hashes = json.loads(Path("out/manifest.json").read_text())["hashes"]
    assert {"network.up", "network.down", "cloud.service_time.path"} < set(hashes)
    assert resumed(path, 0, capsys) == ""
    write_trace(5)
    error = resumed(path, 2, capsys)
    assert error.startswith("error: out: --out: holds the finished result of other contents of ")
    assert "network.up and network.down, so there is nothing to resume; give --fresh" in error
    write_trace(0)
    write_profile(0.2)
    assert "other contents of cloud.service_time.path, so" in resumed(path, 2, capsys)
    write_profile(0.1)
    assert resumed(path, 0, capsys) == ""


def test_points_of_changed_files_are_made_again_and_others_stay(capsys):
    path = tiny(
        sweep={"cloud.service_time": [{"kind": "fixed", "seconds": 0.1}, {**TINY_PROFILE}]},
        network={"preset": "3g"},
    )
    words = [path, "--out", "out", "--resume"]
    assert main([*words, "--dry-run"]) == 0
    assert capsys.readouterr().out.count("2 points\nof them done: 0, to do: 2\n") == 1
    assert resumed(path, 0, capsys) == ""
    table = pd.read_parquet("out/sweep.parquet")
    made = [Path(f"out/points/{point}/summary.json").stat().st_mtime_ns for point in table["id"]]
    assert main([*words, "--dry-run"]) == 0
    assert capsys.readouterr().out.count("2 points\nof them done: 2, to do: 0\n") == 1
    write_profile(0.9)
    again = "points made again: 1, as cloud.service_time.path has changed since\n"
    assert main([*words, "--dry-run"]) == 0
    assert capsys.readouterr().out.count(f"2 points\nof them done: 1, to do: 1\n{again}") == 1
    assert main(words) == 0
    assert again in capsys.readouterr().err
    assert main(words) == 0
    assert "made again" not in capsys.readouterr().err
    again = pd.read_parquet("out/sweep.parquet")
    now = [Path(f"out/points/{point}/summary.json").stat().st_mtime_ns for point in again["id"]]
    assert list(again["id"]) == list(table["id"])
    assert now[0] == made[0]
    assert now[1] > made[1]
    assert again["response_s.mean"][1] > table["response_s.mean"][1] + 0.7


TINY_PROFILE = {"kind": "profile", "path": "profile.yaml"}


def test_a_finished_run_of_another_log_is_not_resumed(capsys):
    lines = [
        f"u{user} " + " ".join(f"i{(user * 7 + k) % 60}" for k in range(26)) for user in range(12)
    ]
    Path("log.txt").write_text("\n".join(lines) + "\n")
    values = {**TINY["workload"], "dataset": "./log.txt", "devices": "all"}
    del values["synthetic"]
    path = tiny(workload=values)
    assert resumed(path, 0, capsys) == ""
    assert resumed(path, 0, capsys) == ""
    Path("log.txt").write_text("\n".join(lines[1:]) + "\n")
    assert "other contents of workload.dataset, so" in resumed(path, 2, capsys)


@pytest.mark.parametrize(
    ("llm", "key"),
    [
        ({"kind": "causal_lm", "weights": "model"}, "models.llm.weights"),
        ({"kind": "p5", "weights": "model"}, "models.llm.weights"),
        ({"kind": "text", "encoder": "model"}, "models.llm.encoder"),
    ],
)
def test_the_files_of_models_count(llm, key):
    Path("model").mkdir()
    Path("model/config.json").write_text("{}")
    Path("model/model.safetensors").write_bytes(b"1")
    scenario = from_mapping({"models": {"llm": llm}}, "f.yaml").scenario
    before = file_hashes(scenario)
    assert set(before) == {key}
    Path("model/model.safetensors").write_bytes(b"2")
    assert file_hashes(scenario)[key] != before[key]


def test_a_scenario_that_names_no_file_has_none():
    assert file_hashes(from_mapping({}, "f.yaml").scenario) == {}
