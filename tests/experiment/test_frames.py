"""The documented frames have the columns that they promise, and the examples run."""

import inspect
import re
import runpy
import sys
from pathlib import Path

import pandas as pd
import pytest
from tiny_scenario import TINY

from analysis import examples, frames, records, sweep_records
from analysis.accuracy import Accuracies
from analysis.errors import RecordsError
from experiment.scenario import from_mapping
from experiment.sweep import run_sweep
from workloads.progress import SILENT

SWEEP = {"policy": [{"kind": "random", "probability": p} for p in (0.2, 0.4)], "seeds": 2}

#: Frames of a whole sweep, whose docstrings leave out columns, and of two runs.
OF_SWEEPS = {"points", "settings"}
OF_TWO_RUNS = {"difference_by_user"}

FRAMES = {
    name: function
    for name, function in inspect.getmembers(frames, inspect.isfunction)
    if function.__module__ == frames.__name__
}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory, directories):
    """A sweep of phones of several classes."""
    scenario = {**TINY, "devices": {"classes": {"low": 0.5, "high": 0.5}}, "sweep": SWEEP}
    directory = tmp_path_factory.mktemp("sweeps") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSC_CACHE", str(directories.cache))
        run_sweep(from_mapping(scenario, "tiny.yaml"), directory, SILENT)
    return directory


@pytest.fixture(scope="module")
def runs(sweep):
    return sorted((sweep / "points").iterdir())


def of(name, sweep, runs):
    """Return one of the frames."""
    if name in OF_SWEEPS:
        return FRAMES[name](sweep)
    return FRAMES[name](*runs[: 2 if name in OF_TWO_RUNS else 1])


def promised(function):
    """Return the columns and dtypes that a docstring tells."""
    return dict(re.findall(r"^    ([\w@.]+): (\w+);", inspect.getdoc(function), re.MULTILINE))


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_has_the_columns_and_dtypes_of_its_docstring(name, sweep, runs):
    frame = of(name, sweep, runs)
    columns = promised(FRAMES[name])
    assert len(frame) > 0
    assert {column: str(frame[column].dtype) for column in columns} == columns
    if name not in OF_SWEEPS:
        assert list(frame.columns) == list(columns)


def test_means_and_differences_are_those_of_the_report(runs):
    table = frames.accuracies(runs[0], "mrr").set_index("series")
    known = Accuracies(frames.accuracy_by_user(runs[0]))
    less = known.difference("run", "never", "mrr")
    assert table.loc["never", "mean"] == known.mean("never", "mrr").value
    assert table.loc["never", "run_minus_it"] == less.value
    assert table.loc["never", "run_minus_it_low"] == less.low
    users = frames.difference_by_user(*runs[:2])
    assert (users["mean"] - users["other_mean"] == users["difference"]).all()
    assert set(users["user"]) == set(frames.accuracy_by_user(runs[0])["user"])


def test_the_parts_of_a_response_time_add_up(runs):
    responses = frames.responses(runs[0])
    both = responses["network_s"] + responses["cloud_s"]
    pd.testing.assert_series_equal(both, responses["response_s"], check_names=False)
    assert (responses["cloud_s"] >= 0.3).all()
    assert set(responses["class"].unique()) == {"low", "high"}


def test_frames_are_new_each_time(sweep, runs):
    for name in FRAMES:
        frame = of(name, sweep, runs)
        frame["own"] = 0
        assert "own" not in of(name, sweep, runs)


def test_a_directory_without_the_file_is_named_in_one_line(tmp_path):
    with pytest.raises(RecordsError, match=r"interactions\.parquet: no such file"):
        frames.interactions(tmp_path)


def test_a_sweep_shows_why_from_a_real_point(sweep):
    page = (sweep / "report.html").read_text(encoding="utf-8")
    assert '<figure id="gain_by_consistency">' in page
    assert records.read(next((sweep / "points").iterdir())).replay is not None
    assert len(sweep_records.read(sweep).points) == 4


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ("accuracy_against_frequency", "request_frequency"),
        ("paired_difference", "paired t-test"),
        ("response_time_by_class", "network_s"),
        ("gain_by_consistency", "within users"),
    ],
)
def test_every_example_runs(example, said, sweep, runs, tmp_path, monkeypatch, capsys):
    given = {
        "accuracy_against_frequency": [sweep, tmp_path / "figure.png"],
        "paired_difference": runs[:2],
    }.get(example, runs[:1])
    monkeypatch.setattr(sys, "argv", [example, *map(str, given)])
    runpy.run_module(f"analysis.examples.{example}", run_name="__main__")
    assert said in capsys.readouterr().out
    if example == "accuracy_against_frequency":
        assert (tmp_path / "figure.png").read_bytes()[:4] == b"\x89PNG"


def test_no_example_is_forgotten():
    (folder,) = examples.__path__
    names = {path.stem for path in Path(folder).glob("*.py")}
    tested = test_every_example_runs.pytestmark[0].args[1]
    assert names == {"__init__", *(example for example, _ in tested)}
