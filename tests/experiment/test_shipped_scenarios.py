"""The shipped scenarios that generate their data run, and show what they ask: in a small form."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from tiny_scenario import TINY

from experiment.run import run_scenario
from experiment.scenario import from_mapping
from workloads.progress import SILENT

SHIPPED = Path(__file__).parents[2] / "scenarios"


@pytest.fixture
def run_small(tmp_path, directories):
    """Run a shipped scenario with few devices, few steps and small models; some keys changed."""

    def run(name, *overrides):
        values = yaml.safe_load((SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"))
        values["models"] = TINY["models"]
        own = {"start", "start_spread_s", "think_time"} & set(values["workload"])
        small = {key: value for key, value in TINY["workload"].items() if key != "start_spread_s"}
        values["workload"] = {**small, **{key: values["workload"][key] for key in own}}
        scenario = from_mapping(values, f"{name}.yaml", overrides).scenario
        directory = tmp_path / name
        summary = run_scenario(scenario, directory, SILENT, directories=directories)
        page = (directory / "report.html").read_text(encoding="utf-8")
        return summary, directory, page

    return run


def has_figure(page, name):
    return f'<figure id="{name}">' in page


def test_commuters_on_a_trace(run_small, tmp_path, monkeypatch):
    """The trace is constructed: 100 opportunities a second, then 20 s with none, and again."""
    (tmp_path / "traces").mkdir()
    opportunities = [*range(0, 40_000, 10), 60_000]
    for way in ("up", "down"):
        text = "".join(f"{time_ms}\n" for time_ms in opportunities)
        (tmp_path / "traces" / f"TMobile-UMTS-driving.{way}").write_text(text)
    monkeypatch.setenv("LSC_TRACES", str(tmp_path / "traces"))
    summary, directory, page = run_small("commuter_umts_trace", "serving.timeout_s=5")
    requests = pd.read_parquet(directory / "requests.parquet")
    # Where the trace has a gap, or the tunnel none at all, nothing comes back within 5 s.
    assert 0 < summary["outcomes"]["timed_out"] < len(requests)
    assert (requests["received_s"] - requests["sent_s"]).max() <= 5.0
    coverage = pd.read_parquet(directory / "coverage.parquet")
    without = coverage[coverage["regime"] == "none"].set_index("time_s")["devices"]
    assert 0 < without.max() < 50
    assert without.loc[:479].max() == without.loc[571:].max() == 0
    assert has_figure(page, "coverage_over_time")


def test_a_stadium_shares_its_cells(run_small):
    wide, _, _ = run_small("stadium_cell")
    narrow, _, page = run_small("stadium_cell", "network.down_bps=3e5", "network.cells=2")
    assert narrow["response_s"]["p95"] > 2 * wide["response_s"]["p95"]
    assert has_figure(page, "response_parts")


def test_an_outage_and_a_crash(run_small):
    summary, directory, page = run_small("cloud_outage", "policy={kind: always}")
    attempts = summary["cloud"]["attempts"]
    assert attempts["vanished"] > 0
    assert attempts["served"] + attempts["vanished"] + attempts["unfinished"] == attempts["arrived"]
    cloud = pd.read_parquet(directory / "cloud.parquet").set_index("time_s")
    assert cloud.loc[500.0, "outage"]
    assert not cloud.loc[620.0, "outage"]
    assert cloud.loc[840.0, "replicas_serving"] == cloud.loc[620.0, "replicas_serving"] - 1
    requests = pd.read_parquet(directory / "requests.parquet")
    assert requests["attempts"].max() == 3
    assert "The cloud was out for 120 s." in page
    assert has_figure(page, "attempts_over_time")


def test_everyone_at_once(run_small):
    summary, directory, page = run_small(
        "evening_burst",
        "policy={kind: always}",
        "cloud.queue_limit=1",
        "cloud.batching.size=1",
        "cloud.service_time={kind: fixed, seconds: 1}",
    )
    assert summary["cloud"]["attempts"]["rejected"] > summary["outcomes"]["rejected"] > 0
    load = pd.read_parquet(directory / "cloud_load.parquet")
    assert load.loc[load["arrived"].idxmax(), "start_s"] >= 50
    assert load["waiting"].max() <= 1
    assert has_figure(page, "attempts_over_time")


def test_batteries_run_low(run_small):
    summary, directory, page = run_small("battery_saver")
    interactions = pd.read_parquet(directory / "interactions.parquet")
    stopped = interactions["battery_share"] < 0.05
    assert stopped.any()
    assert (interactions.loc[stopped, "ranked_by"] == "llm").all()
    assert (interactions.loc[interactions["battery_share"] >= 0.2, "ranked_by"] == "fusion").all()
    assert set(summary["phones"]["classes"]) == {"low", "mid", "high"}
    assert has_figure(page, "who_ranked")
    assert "had stopped re-ranking" in page
