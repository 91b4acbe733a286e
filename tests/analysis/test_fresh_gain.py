"""The gain of a fresh list: by hand, against plain regressions, and what the page says of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import fresh_gain, records
from analysis.figures import gain_by_consistency
from analysis.intervals import UserResamples

NDCG_OF_RANK_3 = 0.5


def frame(**columns):
    length = len(next(iter(columns.values())))
    defaults = {"user": np.arange(length), "held_age_steps": pd.array([1] * length, "Int16")}
    return pd.DataFrame({**defaults, **columns})


def made(consistency, gain, user, age=None):
    age = np.ones(len(gain)) if age is None else age
    return pd.DataFrame(
        {"user": user, "consistency": consistency, "held_age_steps": age, "gain": gain}
    )


def test_the_gain_is_of_the_next_step_and_only_of_decisions_that_have_one():
    found = fresh_gain.decisions(
        frame(
            consistency=[0.5, 0.6, np.nan, 0.7],
            next_rank_if_held=pd.array([0, 3, 1, None], "Int16"),
            next_rank_if_fresh=pd.array([3, 3, 1, None], "Int16"),
        )
    )
    assert found["gain"].tolist() == [NDCG_OF_RANK_3, 0.0]
    assert found["consistency"].tolist() == [0.5, 0.6]


def test_records_of_an_older_program_tell_no_gain():
    assert fresh_gain.decisions(frame(consistency=[0.5])).empty


def test_tenths_are_equally_many_and_never_split_equal_values():
    rng = np.random.default_rng(0)
    user = np.repeat(np.arange(50), 20)
    tenths = fresh_gain.by_tenth(
        made(rng.random(1000), np.ones(1000), user), user, UserResamples(50)
    )
    assert tenths["decisions"].tolist() == [100] * 10
    tied = fresh_gain.by_tenth(
        made(np.repeat([0.2, 0.9], 500), np.ones(1000), user), user, UserResamples(50)
    )
    assert tied["decisions"].tolist() == [500, 500]
    assert tied["consistency_to"].tolist() == [0.2, 0.9]


def test_ages_are_binned_by_doubling():
    age = np.array([0, 1, 2, 3, 4, 5, 8, 9, 16, 17, np.nan])
    bins = fresh_gain.by_age(
        made(np.zeros(11), np.arange(11.0), np.zeros(11, int), age),
        np.zeros(11, int),
        UserResamples(1),
    )
    ends = list(zip(bins["age_from"], bins["age_to"], strict=True))
    assert ends == [(0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 17)]
    assert bins["decisions"].tolist() == [1, 1, 1, 2, 2, 2, 1]
    assert bins["gain"].tolist() == [0, 1, 2, 3.5, 5.5, 7.5, 9]


def test_slopes_are_those_of_regressions_with_an_intercept_for_each_age_or_user():
    rng = np.random.default_rng(1)
    user, age = np.repeat(np.arange(40), 12), np.tile(np.arange(12), 40)
    consistency = rng.random(480) - 0.02 * age + 0.3 * rng.random(40)[user]
    gain = 0.1 * rng.normal(size=480) - 0.2 * consistency + 0.01 * age + rng.random(40)[user]
    found = fresh_gain.slopes(
        made(consistency, gain, user, age.astype(float)), user, UserResamples(40)
    )
    for slope, group in (
        (found.overall, np.zeros(480, int)),
        (found.same_age, age),
        (found.same_user, user),
    ):
        design = np.column_stack([consistency, np.eye(group.max() + 1)[group]])
        (expected, *_), *_ = np.linalg.lstsq(design, gain, rcond=None)
        assert slope.value == pytest.approx(-fresh_gain.LESS * expected, abs=1e-6)
        assert slope.low < slope.value < slope.high


def test_the_caption_says_what_the_data_support_and_no_more(run_dir):
    run = records.read(run_dir)
    known = run.interactions["next_rank_if_held"].notna()
    inconsistent = run.interactions["consistency"] < run.interactions["consistency"].median()
    rng = np.random.default_rng(0)
    for missed, said in (
        (inconsistent, "low consistency tells of gain"),
        (~inconsistent, "low consistency tells of less gain"),
        (rng.random(len(known)) < 0.5, "is not shown to tell of gain"),
    ):
        held = pd.Series(np.where(missed, 0, 1), dtype="Int16").mask(~known)
        fresh = pd.Series(np.ones(len(known)), dtype="Int16").mask(~known)
        told = run.interactions.frame().assign(next_rank_if_held=held, next_rank_if_fresh=fresh)
        drawing = gain_by_consistency.draw(replace(run, interactions=told))
        assert said in drawing.caption
        assert drawing.table["decisions"][:10].sum() == known.sum()
