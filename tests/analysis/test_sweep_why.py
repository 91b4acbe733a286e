"""Which points a sweep's page shows why by, and that it shows them."""

import json
import re
import shutil

import pandas as pd
import pytest
from run_directory import Case, write_run
from shootout_directory import write_shootout

from analysis import report, sweep_records, sweep_why
from analysis.drawing import in_file_name
from analysis.summary import flatten


@pytest.fixture(scope="module")
def swept(sweep_dir, tmp_path_factory):
    """A copy of the constructed sweep with its report."""
    copy = shutil.copytree(sweep_dir, tmp_path_factory.mktemp("why") / "sweep")
    report.write(copy)
    return copy


def test_of_random_requests_the_point_nearest_to_thirty_percent_is_shown(swept):
    sweep = sweep_records.read(swept)
    (why,) = sweep_why.of_sweep(sweep)
    asked_at_random = [
        (abs(row.request_frequency - 0.3), row.id)
        for row in sweep.points.itertuples()
        if row.kind == "random"
    ]
    assert why.point == min(asked_at_random)[1]
    assert "show no policy's choice" in why.chosen
    assert [drawing.name for drawing in why.drawings] == [
        "consistency_by_age",
        "consistency_between_users",
        "gain_by_consistency",
        "accuracy_by_thirds",
    ]


def test_the_page_has_the_figures_with_their_data_and_code(swept, monkeypatch, tmp_path):
    page = (swept / "report.html").read_text(encoding="utf-8")
    section = re.search(r'<section id="why">.*?</section>', page, re.DOTALL)[0]
    assert section.count("<figure") == 4
    assert (swept / "figures" / "gain_by_consistency.csv").is_file()
    code = re.search(r"<code>(.*?gain_by_consistency.draw.*?)</code>", section)[1]
    monkeypatch.chdir(shutil.copytree(swept, tmp_path / "copy"))
    made = (swept / "figures" / "gain_by_consistency.csv").read_bytes()
    exec(code.replace("&#34;", '"'))
    assert (tmp_path / "copy" / "gain_by_consistency.csv").read_bytes() == made


def test_a_policys_own_choices_are_named_where_nothing_asked_at_random(swept, tmp_path):
    copy = shutil.copytree(swept, tmp_path / "sweep")
    points = pd.read_parquet(copy / "sweep.parquet")
    chosen = points[points["id"].str.startswith("consistency")]
    chosen.to_parquet(copy / "sweep.parquet", index=False)
    (why,) = sweep_why.of_sweep(sweep_records.read(copy))
    assert why.point.startswith("consistency")
    assert "this one's choices are in these figures" in why.chosen


def test_points_whose_records_were_not_kept_are_not_drawn(tmp_path):
    sweep = sweep_records.read(write_shootout(tmp_path, seeds=1, users=30))
    assert sweep_why.of_sweep(sweep) == []


def test_facets_that_share_their_models_share_the_figures_of_forced_ages(tmp_path):
    rows = []
    for number, preset in enumerate(("3g", "wifi")):
        case = Case(threshold=0.3, policy="random")
        run = write_run(tmp_path / "points" / f"random-{number}", case, seed=number)
        block = json.loads((run / "summary.json").read_text())
        rows.append({"id": run.name, "network.preset": preset, **flatten(block)})
    pd.DataFrame(rows).to_parquet(tmp_path / "sweep.parquet", index=False)
    first, second = sweep_why.of_sweep(sweep_records.read(tmp_path))
    assert [drawing.name for drawing in first.drawings] == [
        "consistency_by_age",
        "consistency_between_users",
        f"gain_by_consistency_{in_file_name(first.facet)}",
        f"accuracy_by_thirds_{in_file_name(first.facet)}",
    ]
    assert [drawing.title for drawing in second.drawings] == [
        f"What a fresh list would have brought: {second.facet}",
        f"Accuracy by item and by history: {second.facet}",
    ]
