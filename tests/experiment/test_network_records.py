"""A whole run on the move: what its files say of the network."""

import pandas as pd
from tiny_scenario import TINY

from experiment.run import run_scenario
from experiment.scenario import dump, from_mapping
from experiment.yaml_document import read_mapping
from workloads.progress import SILENT

ON_THE_MOVE = {
    "policy": {"kind": "always"},
    "network": {
        "kind": "mobility",
        "regimes": {"3g": {"preset": "3g_slow"}, "4g": {"preset": "4g"}},
        "markov": {"mean_s": {"3g": 30.0, "4g": 60.0, "none": 10.0}},
    },
    "faults": {
        "regions": 2,
        "coverage_losses": [{"start_s": 60.0, "duration_s": 60.0, "regions": [0]}],
        "degradations": [{"start_s": 0.0, "duration_s": 90.0, "bandwidth_factor": 0.1}],
    },
}


def test_a_run_on_the_move_tells_of_bytes_and_coverage(tmp_path, directories):
    directory = tmp_path / "run"
    scenario = from_mapping({**TINY, **ON_THE_MOVE}, "tiny.yaml").scenario
    summary = run_scenario(scenario, directory, SILENT, directories=directories)
    for way in ("up", "down"):
        flow = summary["traffic"][way]
        assert flow["sent_bytes"] == (
            flow["received_bytes"] + flow["lost_bytes"] + flow["in_flight_bytes"]
        )
        assert flow["sent_bytes"] > summary["bytes"][way] > 0  # headers come on top
        assert flow["retransmitted_bytes"] == 0
    coverage = pd.read_parquet(directory / "coverage.parquet")
    devices = summary["devices"]
    assert list(coverage.columns) == ["time_s", "regime", "devices"]
    assert coverage["regime"].tolist()[:3] == ["3g", "4g", "none"]
    assert (coverage.groupby("time_s")["devices"].sum() == devices).all()
    without = coverage[coverage["regime"] == "none"].set_index("time_s")["devices"]
    assert without[(without.index >= 60) & (without.index < 120)].min() > devices / 4
    worlds = read_mapping(directory / "baseline_worlds.json")
    by_radio = worlds["run"]["energy_by_radio_j"]
    assert set(by_radio) == {"3g", "lte"}
    total_j = sum(sum(states.values()) for states in by_radio.values())
    assert abs(total_j - summary["energy_j"]["radio"]) < 1e-6 * total_j


def test_a_scenario_on_the_move_is_written_out_and_read_again(tmp_path):
    scenario = from_mapping({**TINY, **ON_THE_MOVE}, "tiny.yaml").scenario
    written = tmp_path / "scenario.yaml"
    written.write_text(dump(scenario))
    assert from_mapping(read_mapping(written), str(written)).scenario == scenario


def test_without_changes_there_is_no_coverage_to_tell_of(tmp_path, directories):
    directory = tmp_path / "run"
    scenario = from_mapping(TINY, "tiny.yaml").scenario
    run_scenario(scenario, directory, SILENT, directories=directories)
    assert not (directory / "coverage.parquet").exists()
