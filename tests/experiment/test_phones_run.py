"""A run of phones of several classes that run down and whose users leave: records and baselines."""

import numpy as np
import pandas as pd
import pytest
import yaml
from tiny_scenario import TINY

from analysis.metrics import per_interaction
from experiment.preparation import prepare, scoring_bytes
from experiment.run import run_scenario
from experiment.scenario import from_mapping
from models.errors import ModelError
from workloads.progress import SILENT

DEVICES = {
    "classes": [
        {"kind": "low", "share": 0.5, "battery_j": 400.0},
        {"kind": "high", "share": 0.5, "battery_j": 900.0},
    ],
    "battery": {"start": {"low": 0.2, "high": 1.0}, "saver_below": 0.5, "stop_below": 0.2},
    "availability": {"on_s": 60.0, "off_s": 20.0},
    "churn": {"per_step": 0.1},
}


DOWN = {"start_s": 0.0, "duration_s": 1e6}
CELLS_AND_REGIONS = {
    "policy": {"kind": "always"},
    "network": {"kind": "cell", "cells": 3, "up_bps": 1e6, "down_bps": 1e6, "rtt_s": 0.05},
    "faults": {
        "regions": 2,
        "coverage_losses": [{**DOWN, "cells": [2]}, {**DOWN, "regions": [0]}],
    },
}


def scenario(devices, **sections):
    return from_mapping({**TINY, "devices": devices, **sections}, "tiny.yaml").scenario


@pytest.fixture(scope="module")
def finished(tmp_path_factory, directories):
    """The directory and summary of one run, and what it was made of."""
    directory = tmp_path_factory.mktemp("runs") / "phones"
    summary = run_scenario(scenario(DEVICES), directory, SILENT, directories=directories)
    return directory, summary, prepare(scenario(DEVICES), directories, SILENT)


def test_what_never_happened_is_nowhere(finished):
    directory, summary, preparation = finished
    interactions = pd.read_parquet(directory / "interactions.parquet")
    requests = pd.read_parquet(directory / "requests.parquet")
    steps = preparation.sessions.steps
    assert len(set(steps)) > 3
    np.testing.assert_array_equal(interactions.groupby("device")["step"].count(), steps)
    np.testing.assert_array_equal(interactions.groupby("device")["step"].max(), steps - 1)
    assert summary["interactions"] == len(interactions) == steps.sum()
    assert summary["devices"] == 50
    assert summary["request_frequency"] == len(requests) / steps.sum()
    assert summary["phones"]["left_early"] == (steps < 8).sum()


def test_the_run_and_all_its_baselines_are_measured_over_the_same_interactions(finished):
    directory, summary, preparation = finished
    accuracy = pd.read_parquet(directory / "accuracy_by_user.parquet")
    counts = accuracy.groupby("series")["interactions"].sum()
    assert len(counts) == 9
    assert set(counts) == {summary["interactions"]}
    # As the whole-catalogue ranks say, of the steps that happened and of no others.
    sessions = preparation.sessions
    rank = preparation.models.outcomes.full_rank_srm[sessions.user]
    rank = np.where(rank > 20, 0, rank)[np.arange(8) < sessions.steps[:, None]]
    expected = per_interaction(rank)["ndcg@10"].mean()
    assert summary["baselines"]["srm_full"]["ndcg@10"]["mean"] == pytest.approx(expected)


def test_the_records_say_who_ranked_and_how_full_batteries_were(finished):
    directory, summary, _ = finished
    interactions = pd.read_parquet(directory / "interactions.parquet")
    own_order = interactions["ranked_by"] == "llm"
    assert 0 < own_order.sum() < len(interactions)
    assert interactions.loc[own_order, "consistency"].isna().all()
    assert interactions.loc[~own_order, "consistency"].notna().all()
    assert not (own_order & interactions["requested"]).any()
    assert own_order[interactions["battery_share"] < 0.2].all()
    assert not own_order[interactions["battery_share"] >= 0.5].any()
    phones = summary["phones"]
    assert sum(phones["classes"].values()) == 50
    assert phones["reranked"] == pytest.approx(1 - own_order.mean())
    last = interactions.groupby("device")["battery_share"].last()
    assert phones["battery_share_at_end"] == pytest.approx(last.mean(), rel=1e-5)


def test_what_the_llm_ranked_has_its_ranks(finished):
    directory, _, preparation = finished
    interactions = pd.read_parquet(directory / "interactions.parquet")
    table = preparation.models.outcomes.table(1)
    unasked = interactions[interactions["list_age_s"].isna() & (interactions["ranked_by"] == "llm")]
    assert len(unasked)
    user = preparation.sessions.user[unasked["device"]]
    expected = table.rank[user, table.cell_offset[8] + unasked["step"]]
    np.testing.assert_array_equal(unasked["rank"].fillna(0).astype(int), expected)


def test_every_device_has_a_row_that_joins_the_other_records(finished):
    directory, summary, preparation = finished
    devices = pd.read_parquet(directory / "devices.parquet")
    assert list(devices) == ["device", "user", "steps", "start_s", "class", "cell", "region"]
    assert devices["device"].tolist() == list(range(50))
    assert devices["class"].cat.categories.tolist() == ["low", "high"]
    world = preparation.world(preparation.scenario.policy)
    np.testing.assert_array_equal(devices["class"], world.phones.classes)
    assert devices["class"].value_counts().to_dict() == summary["phones"]["classes"]
    assert devices[["cell", "region"]].isna().all(axis=None)
    interactions = pd.read_parquet(directory / "interactions.parquet").groupby("device")
    np.testing.assert_array_equal(devices["user"], interactions["user"].first())
    np.testing.assert_array_equal(devices["steps"], interactions["step"].count())
    np.testing.assert_array_equal(devices["start_s"], interactions["decision_s"].first())


def test_devices_whose_cell_or_region_is_down_get_nothing(tmp_path, directories):
    directory = tmp_path / "run"
    run_scenario(scenario({}, **CELLS_AND_REGIONS), directory, SILENT, directories=directories)
    devices = pd.read_parquet(directory / "devices.parquet")
    assert devices["class"].isna().all()
    assert set(devices["cell"]) == {0, 1, 2}
    assert set(devices["region"]) == {0, 1}
    requests = pd.read_parquet(directory / "requests.parquet").merge(devices, on="device")
    answered = requests.groupby(["cell", "region"])["received_s"].count()
    assert (answered > 0).to_dict() == {
        (cell, region): cell != 2 and region != 0 for cell in range(3) for region in range(2)
    }


def test_idle_energy_is_told_beside_what_recommending_costs(finished):
    directory, summary, _ = finished
    energy = summary["energy_j"]
    assert energy["idle"] > 0
    assert energy["total"] == pytest.approx(energy["compute"] + energy["radio"])
    interactions = pd.read_parquet(directory / "interactions.parquet").groupby("device")
    session_s = interactions["shown_s"].last() - interactions["decision_s"].first()
    assert 0.8 * session_s.sum() < energy["idle"] < 1.2 * session_s.sum()


def test_the_resolved_scenario_repeats_the_run(finished, tmp_path, directories):
    directory, _, _ = finished
    values = yaml.safe_load((directory / "scenario.yaml").read_text())
    again = from_mapping(values, "scenario.yaml").scenario
    run_scenario(again, tmp_path / "again", SILENT, directories=directories)
    records = ("devices", "interactions", "requests", "accuracy_by_user")
    for file in (f"{name}.parquet" for name in records):
        assert (directory / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_without_batteries_and_classes_nothing_is_said_of_them(tmp_path, directories):
    summary = run_scenario(scenario({}), tmp_path / "plain", SILENT, directories=directories)
    assert summary["energy_j"]["idle"] is None
    assert summary["phones"] == {
        "classes": None,
        "left_early": 0,
        "reranked": 1.0,
        "battery_share_at_end": None,
    }
    interactions = pd.read_parquet(tmp_path / "plain" / "interactions.parquet")
    assert "battery_share" not in interactions
    devices = pd.read_parquet(tmp_path / "plain" / "devices.parquet")
    assert len(devices) == 50
    assert devices[["class", "cell", "region"]].isna().all(axis=None)


def test_a_model_that_does_not_fit_a_class_is_refused(directories):
    small = [{"kind": "low", "share": 0.5, "memory_bytes": 1000}, {"kind": "mid", "share": 0.5}]
    with pytest.raises(ModelError, match="may take 1000 on phones of class low") as caught:
        prepare(scenario({"classes": small}), directories, SILENT)
    assert caught.value.key == "devices.classes"
    with pytest.raises(ModelError, match="may take 1000;") as caught:
        prepare(scenario({"memory_bytes": 1000.0}), directories, SILENT)
    assert caught.value.key == "devices.memory_bytes"


def test_a_scoring_reads_the_weights_and_the_rows_of_what_it_scores(finished):
    _, _, preparation = finished
    card = preparation.models.srm_card
    read_bytes = scoring_bytes(card, 120, preparation.scenario)
    per_weight = card.weights_bytes / card.parameters
    embedding_bytes = per_weight * (card.parameters - card.non_embedding_parameters)
    # 20 candidates and the newest interaction, of 120 items.
    assert read_bytes == pytest.approx(card.weights_bytes - embedding_bytes * (1 - 21 / 120))
    assert preparation.world(preparation.scenario.policy).scoring_bytes == read_bytes
