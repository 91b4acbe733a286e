"""The freshness curve: ages compared on the same interactions, paired on users."""

from pathlib import Path

import pandas as pd
import pytest
from run_directory import Case, write_run

from analysis import freshness, records
from analysis.metrics import per_interaction


def test_ages_are_compared_on_the_cells_that_both_have(run_dir: Path) -> None:
    run = records.read(run_dir)
    ages = freshness.by_age(run)
    frame = pd.read_parquet(run_dir / "freshness.parquet")
    frame["value"] = per_interaction(frame["rank"].fillna(0).to_numpy(dtype=int))["ndcg@10"]
    wide = frame.pivot(index=["user", "step"], columns="age_steps", values="value")
    assert [age.age_steps for age in ages] == sorted(wide.columns)
    for age in ages:
        both = wide.dropna(subset=[0, age.age_steps])
        assert age.cells == len(both)
        assert age.accuracy.value == pytest.approx(both[age.age_steps].mean())
        assert age.fresh.value == pytest.approx(both[0].mean())
        assert age.difference.value == pytest.approx(age.accuracy.value - age.fresh.value)
    assert ages[0].difference.value == ages[0].difference.low == ages[0].difference.high == 0
    assert ages[-1].cells < ages[0].cells
    assert ages[-1].difference.below_zero


def test_users_that_the_run_does_not_replay_are_left_out(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "few", Case(users=60, devices=40))
    run = records.read(directory)
    assert len(run.users) == 40
    assert set(run.freshness["user"]) == set(run.users)
