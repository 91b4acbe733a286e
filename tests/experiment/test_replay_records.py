"""What was replayed, and what a request would have brought, against plain loops."""

import itertools

import pandas as pd
import pytest
from tiny_scenario import TINY

from experiment.preparation import prepare
from experiment.run import run_scenario
from experiment.scenario import from_mapping
from workloads.progress import SILENT

CHURNING = {"devices": {"churn": {"per_step": 0.1}}}


def finished(tmp_path_factory, directories, sections):
    scenario = from_mapping({**TINY, **sections}, "tiny.yaml").scenario
    directory = tmp_path_factory.mktemp("runs") / "tiny"
    run_scenario(scenario, directory, SILENT, directories=directories)
    return directory, prepare(scenario, directories, SILENT)


@pytest.fixture(scope="module", params=[{}, CHURNING], ids=["all stay", "some leave"])
def run(request, tmp_path_factory, directories):
    return finished(tmp_path_factory, directories, request.param)


def test_a_row_of_the_replay_is_an_interaction_of_the_log(run):
    directory, preparation = run
    log, split = preparation.log, preparation.split
    trained = [
        int(item)
        for user in range(log.users)
        for item in log.history(user)[: split.train_stop[user]]
    ]
    replay = pd.read_parquet(directory / "replay.parquet")
    assert not replay.duplicated(["user", "step"]).any()
    assert set(replay["user"]) == set(split.device_users[preparation.sessions.user])
    for row in replay.itertuples():
        before = split.replay_start[row.user] + row.step
        assert row.history_interactions == before
        assert row.item == log.history(row.user)[before]
        assert row.item_count == trained.count(row.item)


def test_next_ranks_are_those_of_the_list_held_and_of_a_fresh_one(run):
    directory, preparation = run
    interactions = pd.read_parquet(directory / "interactions.parquet")
    table = preparation.models.outcomes.table(preparation.scenario.models.fusion)
    position = {user: row for row, user in enumerate(preparation.split.device_users)}
    checked = 0
    for _, own in interactions.groupby("device"):
        rows = list(own.itertuples())
        for now, coming in itertools.pairwise(rows):
            user = position[now.user]
            fresh = table.rank[user, table.cell_offset[now.step] + coming.step]
            assert now.next_rank_if_fresh == fresh
            # What is shown at once and neither changes before the next decision is still held then.
            if coming.list_age_steps == now.list_age_steps + 1:
                assert coming.held_age_steps == now.held_age_steps + 1 == coming.list_age_steps
                assert now.next_rank_if_held == (0 if coming.rank is pd.NA else coming.rank)
                checked += 1
        assert pd.isna(rows[-1].next_rank_if_held)
        assert pd.isna(rows[-1].next_rank_if_fresh)
    assert checked > 50


def test_the_ends_of_the_trade_off_are_ranked_on_the_same_steps(run):
    directory, _ = run
    interactions = pd.read_parquet(directory / "interactions.parquet")
    by_user = pd.read_parquet(directory / "accuracy_by_user.parquet").astype({"series": str})
    for series in ("never", "always"):
        hits = by_user.loc[by_user["series"] == series, "hr@20"].sum()
        assert interactions[f"rank_{series}"].notna().sum() == hits


def test_with_other_parameters_what_a_request_would_have_brought_is_unknown(
    tmp_path_factory, directories
):
    adapting = {"models": {**TINY["models"], "adaptation": {"kind": "on_device"}}}
    directory, _ = finished(tmp_path_factory, directories, adapting)
    interactions = pd.read_parquet(directory / "interactions.parquet")
    coming = interactions.groupby("device")["parameters"].shift(-1)
    known = interactions["next_rank_if_held"].notna()
    assert (coming > 0).any()
    assert (known == (coming == 0)).all()
    assert (known == interactions["next_rank_if_fresh"].notna()).all()
