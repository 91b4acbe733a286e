"""Whole runs in which the small model is re-trained on the way, with small real models."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from tiny_scenario import TINY

from benchmarks.plain_program import simulate_plainly
from experiment.preparation import prepare
from experiment.run import run_scenario
from experiment.scenario import from_mapping
from sim.engine import simulate
from workloads.progress import SILENT

ON_DEVICE = {"kind": "on_device", "every_interactions": 2}
FROM_CLOUD = {"kind": "from_cloud", "every_h": 0.02, "learning_rate": 0.01}


def scenario(adaptation, **sections):
    models = {**TINY["models"], "adaptation": adaptation}
    return from_mapping({**TINY, "models": models, **sections}, "tiny.yaml").scenario


def run(adaptation, directory, directories):
    summary = run_scenario(scenario(adaptation), directory, SILENT, directories=directories)
    return summary, pd.read_parquet(directory / "interactions.parquet")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, directories):
    """Summary and interactions of a run of each kind."""
    root = tmp_path_factory.mktemp("runs")
    kinds = {"none": {"kind": "none"}, "on_device": ON_DEVICE, "from_cloud": FROM_CLOUD}
    return {name: run(kind, root / name, directories) for name, kind in kinds.items()}


def test_nothing_is_said_of_weights_that_stay(runs):
    summary, _ = runs["none"]
    assert summary["adaptation"] is None
    assert summary["bytes"]["parameters"] == 0


def test_training_on_devices_is_counted(runs):
    summary, interactions = runs["on_device"]
    block = summary["adaptation"]
    # 8 steps: at 2, 4 and 6, which is the last but one.
    assert block["trainings"] == 3 * 50
    assert (block["kind"], block["pushes"], block["skipped_for_budget"]) == ("on_device", 0, 0)
    assert block["parameter_bytes"] == 4 * 2 * 16
    assert block["adapted_interactions"] == 5 * 50
    # 3 steps on 5 interactions, of 20 candidates and the one taken: at 5 GFLOP/s and 1.5 W.
    training_s = 150 * 3 * 3 * 5 * (2 * 16 * 21) / 5e9
    assert block["training_s"] == pytest.approx(training_s)
    assert block["training_energy_j"] == pytest.approx(1.5 * training_s)
    scoring_j = runs["none"][0]["energy_j"]["compute"]
    assert summary["energy_j"]["compute"] == pytest.approx(scoring_j + 1.5 * training_s)
    assert summary["bytes"]["parameters"] == 0
    assert not summary["engine"]["cached"]
    assert len(interactions) == 400


def test_pushes_are_counted_among_the_bytes(runs):
    summary, _ = runs["from_cloud"]
    block, traffic = summary["adaptation"], summary["bytes"]
    assert block["pushes"] > 50
    assert traffic["parameters"] == block["pushes"] * block["parameter_bytes"]
    assert traffic["down"] > traffic["parameters"]
    assert summary["energy_j"]["radio"] > runs["none"][0]["energy_j"]["radio"]
    assert block["training_energy_j"] == 0
    assert block["training_s"] > 0


@pytest.mark.parametrize("kind", ["on_device", "from_cloud"])
def test_what_is_shown_follows_the_parameters_in_force(runs, kind):
    shipped, adapted = runs["none"][1], runs[kind][1]
    early = adapted["step"] <= 2  # trained at step 2 at the earliest
    if kind == "on_device":
        later = ["next_rank_if_held", "next_rank_if_fresh"]  # with parameters that are not known
        pd.testing.assert_frame_equal(
            shipped[early].drop(columns=later), adapted[early].drop(columns=later)
        )
    assert (shipped["consistency"] != adapted["consistency"])[~early].mean() > 0.3


@pytest.mark.parametrize("adaptation", [ON_DEVICE, FROM_CLOUD], ids=lambda each: each["kind"])
def test_the_engine_equals_the_plain_program(adaptation, directories):
    preparation = prepare(scenario(adaptation), directories, SILENT)
    world = preparation.world(preparation.scenario.policy)
    engine, plain = simulate(world), simulate_plainly(world)
    for name in ("version", "requested", "shown_row", "decision_s", "shown_s"):
        ours, theirs = (getattr(result.interactions, name) for result in (engine, plain))
        np.testing.assert_array_equal(ours, theirs)
    for name in ("consistency", "rank", "srm_rank"):
        ours, theirs = (getattr(result.adaptation.outcome, name) for result in (engine, plain))
        np.testing.assert_array_equal(ours, theirs)
    assert engine.adaptation.log == plain.adaptation.log
    assert engine.energy_j == plain.energy_j
    asked = engine.interactions.requested
    consulted = ~engine.interactions.suppressed
    below = engine.adaptation.outcome.consistency < np.float32(0.4)
    np.testing.assert_array_equal(asked[consulted], below[consulted])


def test_a_step_too_small_to_change_anything_leaves_the_run_as_it_was(runs, tmp_path, directories):
    summary, _ = run({**ON_DEVICE, "learning_rate": 1e-12}, tmp_path / "still", directories)
    still, shipped = summary["baselines"], runs["none"][0]["baselines"]
    for baseline in ("srm_only", "llm_only", "never", "always", "always_ideal"):
        for metric in ("hr@10", "ndcg@10"):
            reached = still[baseline][metric]["mean"]
            assert math.isclose(reached, shipped[baseline][metric]["mean"], abs_tol=2e-3)


def test_the_same_run_gives_the_same_bytes(runs, tmp_path, directories):
    again, _ = run(FROM_CLOUD, tmp_path / "again", directories)
    first = {**runs["from_cloud"][0], "engine": None}
    assert json.dumps({**again, "engine": None}) == json.dumps(first)
