"""The question of scenarios/lsc4rec_ablation.yaml in a small form, with real models."""

import json
from pathlib import Path

import pandas as pd
import pytest
from tiny_scenario import TINY

from analysis import ablation, point_records, sweep_records
from experiment.scenario import from_mapping, load
from experiment.sweep import run_sweep
from experiment.sweep_points import sweep_points
from workloads.progress import SILENT

SHIPPED = Path(__file__).parents[2] / "scenarios" / "lsc4rec_ablation.yaml"
SMALL = {**TINY["workload"], "devices": "all", "dataset": "synthetic"}
COOPERATIVE = {"kind": "cooperative", "list_size": 60, "candidates": 20}
CONDITION = ("policy", "serving", "network", "cloud")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, directories):
    """Two strategies and re-training, fusions 1, 3, 5 and learned, under the shipped condition."""
    shipped = load(SHIPPED)
    values = {
        **TINY,
        **{section: shipped.raw[section] for section in CONDITION},
        "sweep": {
            "workload": [SMALL],
            "zip": [
                {
                    "models.training.strategy": [{"kind": "independent"}, COOPERATIVE],
                    "models.adaptation": [
                        {"kind": "none"},
                        {"kind": "on_device", "every_interactions": 2},
                    ],
                },
                {"models.fusion": [1, 3, 5, "learned"]},
            ],
        },
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSC_CACHE", str(directories.cache))
        directory = tmp_path_factory.mktemp("ablations") / "small"
        run_sweep(from_mapping(values, "small.yaml"), directory, SILENT)
    return directory


def test_the_shipped_scenario_asks_its_whole_question():
    points = sweep_points(load(SHIPPED))
    assert len(points) == 2 * 2 * 3 * 6
    assert {point.scenario.workload.dataset for point in points} == {"amazon-beauty", "ml-100k"}
    assert {point.scenario.models.fusion for point in points} == {1, 2, 3, 4, 5, "learned"}
    assert {point.scenario.models.llm.trained_until for point in points} == {None, 0.5}


def test_every_list_is_exactly_one_step_old(finished):
    for run in (finished / "points").iterdir():
        interactions = pd.read_parquet(run / "interactions.parquet")
        assert set(interactions["list_age_steps"]) == {1}
        assert not interactions["suppressed"].any()


def test_values_of_several_types_share_a_column(finished):
    table = pd.read_parquet(finished / "sweep.parquet")
    assert list(table["models.fusion"])[:4] == ["1", "3", "5", "learned"]
    assert table["workload"].iloc[0]["dataset"] == "synthetic"


def test_baselines_of_one_run_are_the_results_of_another(finished):
    """The lists are the same under every fusion, so one run's baselines are others' results."""
    (found,) = ablation.of_sweep(sweep_records.read(finished))
    assert [setting.label for setting in found.settings] == [
        "independent",
        "cooperative (list size 60, candidates 20), re-trained on the device every 2 interactions",
    ]
    sweep = sweep_records.read(finished)
    for setting in range(2):
        ids = sweep.points["id"].iloc[4 * setting : 4 * setting + 4]
        llm_only, fused, srm_only, _ = (sweep.sums([point]) for point in ids)
        for series, of_its_own in (("llm_only", llm_only), ("srm_only", srm_only)):
            pd.testing.assert_frame_equal(
                point_records.of_series(fused, series),
                point_records.of_series(of_its_own, "run"),
            )


def test_the_report_tells_the_ordering(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert "Does the paper's ordering hold here?" in page
    assert "+ re-trained" not in page  # strategy and re-training change together here
    summary = json.loads(next((finished / "points").glob("*/summary.json")).read_text())
    assert summary["request_frequency"] == 1.0
