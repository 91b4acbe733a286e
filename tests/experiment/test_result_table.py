import io
import math

import pandas as pd
import pytest

from analysis.summary import flatten
from experiment.result_table import console_for, interval, number, run_lines, run_table, sweep_table
from experiment.scenario import from_mapping
from experiment.sweep_points import SweepPoint


def accuracy(mean):
    estimate = {"mean": mean, "ci95": [mean - 0.01, mean + 0.01]}
    return {"hr@10": estimate, "ndcg@10": estimate}


@pytest.fixture
def summary():
    return {
        "devices": 2000,
        "interactions": 40000,
        "requests": 10000,
        "request_frequency": 0.25,
        "accuracy": accuracy(0.2),
        "baselines": {
            "always": accuracy(0.3),
            "never": accuracy(0.1),
            "srm_full": None,
            "popularity": accuracy(0.05),
        },
        "response_s": {"mean": 1.0, "p50": 0.9, "p95": 2.345, "p99": 3.0},
        "energy_j": {"per_device": 12.34},
        "cloud": {"cost_usd": 0.5},
    }


def printed(table):
    stream = io.StringIO()
    console_for(stream).print(table)
    return [line.split() for line in stream.getvalue().splitlines()]


def test_a_run_is_shown_beside_its_baselines(summary):
    rows = printed(run_table(summary))
    assert rows[0] == ["HR@10", "NDCG@10"]
    assert rows[1] == ["this", "run", *(["0.2000", "[0.1900,", "0.2100]"] * 2)]
    assert rows[2] == ["always", *(["0.3000", "[0.2900,", "0.3100]"] * 2)]
    assert ["srm_full", "-", "-"] in rows


def test_the_lines_say_how_much_was_asked_and_what_it_cost(summary):
    assert run_lines(summary) == [
        "2,000 devices, 40,000 interactions, 10,000 requests (0.25 an interaction)",
        "response time: median 0.9 s, 95% below 2.35 s",
        "energy: 12.3 J a device; cloud: 0.5 USD",
    ]


def test_a_run_without_requests_has_no_response_time(summary):
    assert "median - s" in run_lines({**summary, "response_s": None})[1]


def test_a_sweep_has_a_row_a_point(summary):
    scenario = from_mapping({"name": "x"}, "f").scenario
    points = [SweepPoint(str(seed), {"seed": seed}, scenario, ()) for seed in (1, 2)]
    quiet = {**summary, "response_s": None, "request_frequency": 0.0}
    rows = printed(sweep_table(points, pd.DataFrame([flatten(summary), flatten(quiet)])))
    assert rows[1][0] == "seed=1"
    assert rows[1][-4:] == ["0.25", "2.35", "12.3", "0.5"]
    assert rows[2][0] == "seed=2"
    assert rows[2][-4:] == ["0", "-", "12.3", "0.5"]


def test_what_is_not_known_is_a_dash():
    assert number(None) == number(math.nan) == "-"
    assert interval({"mean": None, "ci95": None}) == "-"
    assert interval({"mean": 0.5, "ci95": None}) == "0.5000"


def test_text_that_is_not_for_a_terminal_has_no_control_codes(summary):
    stream = io.StringIO()
    console_for(stream).print(run_table(summary))
    assert "\x1b" not in stream.getvalue()
