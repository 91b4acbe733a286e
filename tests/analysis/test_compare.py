"""Runs side by side: differences against plain ones, what is paired, and one line for mistakes."""

import json
import re
import shutil

import pandas as pd
import pytest
import yaml
from run_directory import Case, write_run

from analysis import compare, comparison, report
from analysis.accuracy import Accuracies
from analysis.errors import RecordsError


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of the same users under the same seed, of two policies."""
    home = tmp_path_factory.mktemp("compared")
    often = Case(threshold=0.8, level={**Case().level, "never": 0.4})
    return write_run(home / "seldom"), write_run(home / "often", often)


def altered(run, target, **changes):
    """Copy a run, with other values in its manifest's hashes or its scenario."""
    copy = shutil.copytree(run, target)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["hashes"].update(changes.get("hashes", {}))
    (copy / "manifest.json").write_text(json.dumps(manifest))
    scenario = yaml.safe_load((copy / "scenario.yaml").read_text())
    (copy / "scenario.yaml").write_text(yaml.safe_dump({**scenario, **changes.get("scenario", {})}))
    return copy


def test_differences_on_the_same_users_are_paired(runs):
    (difference,) = comparison.read(runs).differences
    assert difference.unpaired == ""
    frames = [pd.read_parquet(run / "accuracy_by_user.parquet") for run in runs]
    both = pd.concat(
        frame[frame["series"] == "run"].assign(series=name)
        for frame, name in zip(frames, ("seldom", "often"), strict=True)
    )
    expected = Accuracies(both).difference("often", "seldom", "mrr")
    found = difference.values["mrr"]
    assert [found.value, found.low, found.high] == pytest.approx(
        [expected.value, expected.low, expected.high], abs=1e-12
    )
    seldom, often = (pd.read_parquet(run / "interactions.parquet") for run in runs)
    asked = often["requested"].mean() - seldom["requested"].mean()
    assert difference.values["request_frequency"].value == pytest.approx(asked)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"hashes": {"dataset": "dd"}}, "other data"),
        ({"hashes": {"split": "dd"}}, "another split"),
        ({"scenario": {"seed": 7}}, "another seed"),
    ],
)
def test_what_is_not_the_same_is_not_paired_and_the_page_says_why(runs, tmp_path, changes, why):
    other = altered(runs[0], tmp_path / "other", **changes)
    compared = comparison.read([runs[0], other])
    (difference,) = compared.differences
    assert difference.unpaired == why
    value, first = difference.values["ndcg@10"], compared.runs[0].mean("ndcg@10")
    # Of two independent samples the variances add up; paired with itself a run differs by 0.
    assert value.value == 0
    assert value.high - value.low == pytest.approx(2**0.5 * (first.high - first.low), rel=0.15)
    page = compare.write(compared, tmp_path / "page").read_text()
    assert f"Because of {why}" in page
    assert "not told apart" in page


def test_other_users_are_not_paired(runs, tmp_path):
    few = write_run(tmp_path / "few", Case(users=50))
    (difference,) = comparison.read([runs[0], few]).differences
    assert difference.unpaired == "other users"


def test_only_settings_that_differ_are_listed(runs, tmp_path):
    changed = {"network": {"preset": "wifi"}, "name": "renamed", "extra": {"a": None}}
    other = altered(runs[0], tmp_path / "other", scenario=changed)
    settings = comparison.read([runs[0], other]).settings
    assert settings.to_numpy().tolist() == [
        ["network.preset", "3g", "wifi"],
        ["extra.a", "", "none"],
    ]


def test_labels_are_as_long_as_tells_them_apart(runs, tmp_path):
    copy = shutil.copytree(runs[0], tmp_path / "again" / "seldom")
    labels = [run.label for run in comparison.read([*runs, copy]).runs]
    assert labels[1].endswith("/often")
    assert labels[2] == "again/seldom"
    twice = [run.label for run in comparison.read([runs[0], runs[0]]).runs]
    assert twice == ["seldom (1)", "seldom (2)"]


def test_the_page_stands_alone_and_its_figure_can_be_made_again(runs, tmp_path, monkeypatch):
    page = report.write(runs[0])  # the other run's report was not kept
    path = compare.write(comparison.read(runs), tmp_path / "page")
    text = path.read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(https?:)?//', text)
    links = re.findall(r'href="([^#"]+report.html)"', text)
    assert [(path.parent / link).resolve() for link in links] == [page.resolve()]
    made = (path.parent / "figures" / "compared_runs.csv").read_bytes()
    code = re.search(r"<code>(from analysis import comparison.*?)</code>", text)[1]
    monkeypatch.chdir(tmp_path)
    exec(code.replace("&#39;", "'").replace("&#34;", '"'))
    assert (tmp_path / "compared_runs.csv").read_bytes() == made


def test_points_of_a_sweep_can_be_compared(sweep_dir, tmp_path, capsys):
    points = [str(sweep_dir / "points" / name) for name in ("random-1", "consistency-1")]
    assert compare.main([*points, "--out", str(tmp_path / "page")]) == 0
    said = capsys.readouterr().out
    assert "random-1" in said
    assert said.strip().endswith("report.html")


@pytest.mark.parametrize("what", ["one", "missing", "sweep", "empty", "among results"])
def test_mistakes_end_in_one_line(what, runs, sweep_dir, tmp_path, capsys):
    run = str(runs[0])
    arguments = {
        "one": [run],
        "missing": [run, str(tmp_path / "nowhere")],
        "sweep": [run, str(sweep_dir)],
        "empty": [run, str(tmp_path)],
        "among results": [run, str(runs[1]), "--out", run],
    }[what]
    assert compare.main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_a_file_that_is_no_record_is_named(runs, tmp_path):
    broken = shutil.copytree(runs[0], tmp_path / "broken")
    (broken / "manifest.json").write_text("no json")
    with pytest.raises(RecordsError, match=r"manifest\.json: is no JSON"):
        comparison.read([runs[0], broken])
