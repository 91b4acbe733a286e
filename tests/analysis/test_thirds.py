"""Accuracy in thirds: against plain loops, and with values that repeat."""

import dataclasses

import numpy as np
import pytest

from analysis import records, thirds
from analysis.figures import accuracy_by_thirds
from analysis.metrics import HEADLINE, per_interaction


@pytest.fixture(scope="module")
def run(run_dir):
    return records.read(run_dir)


def test_thirds_are_those_of_a_plain_loop(run):
    replay = {(r.user, r.step): r for r in run.replay.itertuples()}
    value = {
        name: per_interaction(run.interactions[name].fillna(0).to_numpy(int))[HEADLINE]
        for name in thirds.RANKS
    }
    for third in thirds.of_run(run):
        inside = []
        for row in run.interactions.frame().itertuples():
            took = replay[row.user, row.step]
            by = {
                "item_count": took.item_count,
                "history_interactions": took.history_interactions - took.step,
            }
            inside.append(third.low <= by[third.grouping] <= third.high)
        inside = np.array(inside)
        assert third.interactions == inside.sum()
        for name, series in thirds.RANKS.items():
            assert third.accuracy[series].value == pytest.approx(value[name][inside].mean())
        gain = (value["rank_always"] - value["rank_never"])[inside].mean()
        assert third.gain.value == pytest.approx(gain)
        assert third.difference["never"].value == pytest.approx(
            (value["rank"] - value["rank_never"])[inside].mean()
        )


def test_every_interaction_is_in_one_third_of_about_equal_size(run):
    found = thirds.of_run(run)
    for grouping in thirds.GROUPINGS:
        sizes = [third.interactions for third in found if third.grouping == grouping]
        assert sum(sizes) == len(run.interactions)
        assert min(sizes) > 0.2 * len(run.interactions)


def test_equal_values_make_one_group(run):
    replay = run.replay.assign(item_count=7)
    alike = dataclasses.replace(run, replay=replay)
    of_items = [third for third in thirds.of_run(alike) if third.grouping == "item_count"]
    assert [(third.low, third.high) for third in of_items] == [(7, 7)]
    assert accuracy_by_thirds.draw(alike) is not None


def test_records_of_an_older_program_have_no_thirds(run):
    older = dataclasses.replace(run, replay=None)
    assert thirds.of_run(older) == []
    assert accuracy_by_thirds.draw(older) is None


def test_a_run_that_never_asks_stands_for_that_world(run):
    never = dataclasses.replace(run, scenario={**run.scenario, "policy": {"kind": "never"}})
    legend = accuracy_by_thirds.draw(never).figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["this run", "always ask"]
