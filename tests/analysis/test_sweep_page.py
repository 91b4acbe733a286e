"""A sweep's page as a reader meets it: what it leads with, and how it lies on a screen."""

import itertools
import json
import re
from pathlib import Path

import pytest
from browser import CHROMIUM, measured
from shootout_directory import SERIES, Series, write_shootout

from analysis import report

MANY = {
    **SERIES,
    "consistency (rank-biased overlap)": Series("consistency", 0.7),
    "budgeted age and consistency": Series("budgeted", 0.8),
    "a policy, of which there is much to say": Series("further", 0.9),
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report.write(write_shootout(tmp_path_factory.mktemp("sweep"), MANY, seeds=1))


@pytest.fixture(scope="module")
def panels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("panels")
    presets = ("wifi", "3g", "edge")
    return report.write(write_shootout(home, targets=(0.1, 0.5), seeds=1, presets=presets))


def test_order_of_the_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    landmarks = (
        '<ul class="verdicts">',
        '<figure id="trade_off">',
        "At the same request frequency",
        "What does timing bring?",
        '<figure id="over_random">',
        '<figure id="trade_off_response">',
        '<figure id="calibration">',
        "Which policies are told apart?",
        "How was it run?",
        "Content hashes",
    )
    places = [text.index(landmark) for landmark in landmarks]
    assert places == sorted(places)
    assert "At 30% of requests, age and consistency is the best" in text
    assert "of what perfect hindsight would gain" in text
    assert "hindsight bound," in text
    assert "python run_sim.py scenarios/constructed.yaml" in text
    assert "<script" not in text
    assert (page.parent / "figures" / "policy_pairs.csv").is_file()


def test_a_column_that_is_not_there_is_not_explained(page: Path, tmp_path: Path) -> None:
    low = {"random": SERIES["random"], "periodic": Series("periodic", 0.9)}
    other = report.write(write_shootout(tmp_path, low, targets=(0.1, 0.2), seeds=1), png=False)
    for path, columns in ((page, 1), (other, 0)):
        text = path.read_text(encoding="utf-8")
        assert text.count("random's 30%, with".replace("'", "&#39;")) == columns
        assert ("30%, with: the request frequency at which" in text) == bool(columns)


def test_headings_are_in_order_and_figures_have_data_and_code(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for figure in re.findall(r"<figure.*?</figure>", text, re.DOTALL):
        assert 'role="img" aria-label="' in figure
        assert "<table" in figure
        assert ".csv" in figure
        assert ".save(&#34;.&#34;)" in figure


def test_code_beside_a_figure_makes_it(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(page.parent)
    made = page.parent / "trade_off_energy.csv"
    text = page.read_text(encoding="utf-8")
    code = next(
        code.replace("&#34;", '"')
        for code in re.findall(r"<code>(.*?)</code>", text)
        if "costs.ENERGY" in code
    )
    exec(code)
    assert made.read_bytes() == (page.parent / "figures" / made.name).read_bytes()


def test_another_metric_tells_the_same_page(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = page.read_text(encoding="utf-8")
    assert report.main([str(page.parent), "--metric", "hr@10"]) == 0
    told = page.read_text(encoding="utf-8")
    assert "is the best: HR@10" in told
    assert "read(&#34;.&#34;, metric=&#34;hr@10&#34;)" in told
    assert report.main([str(page.parent)]) == 0
    assert page.read_text(encoding="utf-8") == before
    with pytest.raises(SystemExit, match="2"):
        report.main([str(page.parent), "--metric", "hr@7"])
    assert "invalid choice: 'hr@7'" in capsys.readouterr().err


def test_points_that_failed_are_told_before_anything_else(panels: Path) -> None:
    path = panels.parent / "failed.json"
    rows = [
        {"id": name, "point": f"seed={name}", "message": message}
        for name, message in (("1", "no <memory> left"), ("2", "no <memory> left"), ("3", "killed"))
    ]
    path.write_text(json.dumps({"failed": rows}))
    try:
        text = report.write(panels.parent).read_text(encoding="utf-8")
    finally:
        path.unlink()
    told = text[text.index('class="warnings"') : text.index('id="trade_off"')]
    assert "<strong>3 of 33 points failed and are missing here.</strong>" in told
    assert "no &lt;memory&gt; left (seed=1 and seed=2). killed (seed=3)." in told
    assert told.index("failed") < told.index("without the cloud")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to lay the page out")
@pytest.mark.parametrize("width", [360, 390, 1280])
def test_nothing_is_wider_than_the_screen(
    page: Path, panels: Path, width: int, tmp_path: Path
) -> None:
    for each in (page, panels):
        found = measured(each, width, tmp_path)
        assert found["needs"] <= found["has"] <= width
        assert found["figures"] >= 6
        assert found["cut"] == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to lay the page out")
def test_dark_where_the_reader_prefers_it(page: Path, tmp_path: Path) -> None:
    light, dark = (measured(page, 390, tmp_path, dark=each)["paper"] for each in (False, True))
    assert light == "rgb(255, 255, 255)"
    assert dark != light
