"""A run's report: it says what it must, plainly, in one file that needs no network."""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from run_directory import Case, write_run

from analysis import records, report, run_report
from analysis.errors import RecordsError
from analysis.figures import accuracy_baselines, freshness_curve, request_placement
from analysis.stored_columns import StoredColumns

FIGURES = [
    "freshness_curve",
    "consistency_by_age",
    "accuracy_baselines",
    "accuracy_by_thirds",
    "list_age",
    "gain_by_consistency",
    "consistency_between_users",
    "request_placement",
    "response_time",
    "response_parts",
    "energy_by_state",
    "cloud_load",
    "outcomes_over_time",
]

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Headings, ids, links, loads and texts of a page; fails on tags that do not match."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.unnamed_svgs = 0
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.links.append(str(given["href"]))
        elif given.get("src") or (tag == "link" and given.get("href")):
            self.loads.append(str(given.get("src") or given.get("href")))
        if tag == "svg" and not given.get("aria-label"):
            self.unnamed_svgs += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def text_of(path: Path) -> str:
    return words(path.read_text(encoding="utf-8"))


def words(page: str) -> str:
    page = re.sub(r"<(style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("&#39;", "'").split())


@pytest.fixture(scope="module")
def page(run_dir: Path) -> Path:
    return report.write(run_dir)


def told(directory: Path, level: dict[str, float] | None = None, **changes: object) -> str:
    """The words of the report of a constructed run, without its figures."""
    case = Case(level={**Case().level, **(level or {})}, **changes)  # type: ignore[arg-type]
    return words(run_report.html(records.read(write_run(directory, case)), {}))


@pytest.mark.parametrize("png", [False, True])
def test_a_page_links_only_files_that_are_there(run_dir: Path, tmp_path: Path, png: bool) -> None:
    copy = shutil.copytree(run_dir, tmp_path / "run", ignore=shutil.ignore_patterns("figures"))
    page = Page(report.write(copy, png=png))
    files = [copy / link for link in page.links if not link.startswith("#")]
    assert {path.suffix for path in files} == {".csv", ".svg", *([".png"] if png else [])}
    assert [path for path in files if not path.is_file()] == []


def test_says_what_happened_with_the_three_numbers(page: Path, run_dir: Path) -> None:
    block = json.loads((run_dir / "summary.json").read_text())
    text = text_of(page)
    first = text[text.index("What happened?") : text.index("What was simulated")]
    assert "90 devices asked the cloud in" in first
    assert f"{block['accuracy']['ndcg@10']['mean']:.3f} [" in first
    assert f"{100 * block['request_frequency']:.1f}% [" in first
    assert f"{block['response_s']['p50']:.2f} s [" in first
    for name in ("Devices", "Data", "Network", "Cloud", "Models", "Policy", "Serving"):
        assert name in text[text.index("What was simulated") :]


def test_sections_stand_in_order_and_headings_skip_no_level(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    sections = re.findall(r'<section id="(\w+)"', text)
    assert sections == ["what", "freshness", "models", "accuracy", "cost", "cloud", "how"]
    headings = Page(page).headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))


def test_every_figure_has_caption_table_csv_code_and_a_name(page: Path, run_dir: Path) -> None:
    text = page.read_text(encoding="utf-8")
    figures = dict(re.findall(r'<figure id="(\w+)">(.*?)</figure>', text, flags=re.DOTALL))
    assert list(figures) == FIGURES
    for name, body in figures.items():
        caption = re.search(r"<figcaption>(.+?)</figcaption>", body, flags=re.DOTALL)
        assert caption is not None
        assert re.search(r"\d", caption[1]), "no figure without its count"
        assert "<details" in body
        assert "<table" in body
        assert f'href="figures/{name}.csv"' in body
        assert f"from analysis.figures import {name}" in body
        frame = pd.read_csv(run_dir / "figures" / f"{name}.csv")
        assert len(frame) > 0
        assert (run_dir / "figures" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert "var(--" not in (run_dir / "figures" / f"{name}.svg").read_text()
    assert Page(page).unnamed_svgs == 0


def test_the_line_of_code_makes_the_figure(page: Path, run_dir: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    copy = shutil.copytree(run_dir, tmp_path / "copy")
    lines = re.findall(r"<code>(from analysis.figures import list_age.*?)</code>", text)
    code = lines[0].replace("&#34;", '"').replace('read(".")', f"read({str(copy)!r})")
    exec(code.replace('save(".")', f"save({str(tmp_path)!r})"), {})
    made, kept = tmp_path / "list_age.svg", run_dir / "figures" / "list_age.svg"
    assert made.read_bytes() == kept.read_bytes()


def test_the_resolved_scenario_is_folded(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert "<details>\n<summary>The resolved scenario</summary>" in html


def test_is_self_contained(page: Path) -> None:
    parsed = Page(page)
    assert parsed.loads == []
    assert not re.search(r"@import|url\((?!#)|<script|<iframe|<object", page.read_text())
    assert all(link.startswith(("#", "figures/")) for link in parsed.links)
    assert len(parsed.ids) == len(set(parsed.ids))
    anchors = {link[1:] for link in parsed.links if link.startswith("#")}
    assert anchors <= set(parsed.ids)


def test_figures_take_their_colours_from_the_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    body = text[text.index("</style>") :]
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", body)) <= {"#000000"}
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_same_records_give_the_same_bytes(page: Path, tmp_path: Path) -> None:
    again = write_run(tmp_path / "again")
    assert report.write(again).read_bytes() == page.read_bytes()
    for file in sorted((again / "figures").iterdir()):
        assert file.read_bytes() == (page.parent / "figures" / file.name).read_bytes(), file.name


def test_a_good_case_is_not_warned_about(page: Path) -> None:
    text = text_of(page)
    assert "A request policy can matter here." in text
    assert "The pipeline beats the phone on its own." in text
    assert "The requests bought accuracy." in text
    assert "Before you read on" not in text


def test_says_plainly_that_the_phone_alone_is_better(tmp_path: Path) -> None:
    text = told(tmp_path / "run", level={"srm_full": 0.9})
    assert text.index("The phone does better without the cloud.") < text.index("What was simulated")


def test_says_first_that_a_policy_cannot_be_shown_to_matter(tmp_path: Path) -> None:
    text = told(tmp_path / "run", level={"never": 0.4, "always": 0.4, "always_ideal": 0.4})
    verdict = "A request policy is not shown to matter here."
    assert text.index(verdict) < text.index("What was simulated")
    section = text[text.index("Can a request policy matter here at all?") :]
    assert section.index(verdict) < section.index("Who knows what?")
    assert "an interval that includes 0" in section


def test_explains_popularity_above_never(tmp_path: Path) -> None:
    text = told(tmp_path / "run", level={"popularity": 0.6, "never": 0.2, "llm_full": 0.3})
    assert "Popularity is above never asking." in text
    assert "has not been shown to know more than popularity" in text
    aged = told(tmp_path / "aged", level={"popularity": 0.4, "never": 0.1, "llm_full": 0.9})
    assert "it is the age of the lists that loses it" in aged


def test_warns_of_a_saturated_cloud_and_of_failed_requests(tmp_path: Path) -> None:
    text = told(tmp_path / "run", service_s=9.0, timeout_s=20.0, threshold=0.9)
    assert "of requests failed." in text
    assert "The cloud is saturated." not in text
    block = json.loads((tmp_path / "run" / "summary.json").read_text())
    block["cloud"]["utilisation"] = 0.97
    (tmp_path / "run" / "summary.json").write_text(json.dumps(block))
    text = words(run_report.html(records.read(tmp_path / "run"), {}))
    assert "The cloud is saturated." in text[: text.index("What was simulated")]
    assert "The cloud is saturated." in text[text.index("Where did it hurt?") :]


def test_few_users_have_no_intervals_and_no_verdicts(tmp_path: Path) -> None:
    text = told(tmp_path / "run", users=12, devices=20)
    assert "Too few users for intervals." in text
    assert "no interval, so no verdict" in text
    verdicts = text[text.index("the run is") : text.rindex("What did it cost?")]
    assert "no interval" in verdicts
    assert not re.search("higher|lower|not told apart", verdicts)


def test_captions_claim_no_bars_where_users_are_too_few(tmp_path: Path, run_dir: Path) -> None:
    few = records.read(write_run(tmp_path / "run", Case(users=12, devices=20)))
    many = records.read(run_dir)
    for draw in (freshness_curve.draw, accuracy_baselines.draw, request_placement.draw):
        sparse, full = draw(few), draw(many)
        assert sparse is not None
        assert full is not None
        assert "12 users are too few for intervals (fewer than 30): none is" in sparse.caption
        assert "95%" not in sparse.caption
        assert "Bars are 95% intervals over 60 users." in full.caption


def test_a_run_without_requests_has_a_report(tmp_path: Path) -> None:
    page = report.write(write_run(tmp_path / "run", Case(threshold=0.0, policy="never")))
    text = text_of(page)
    assert "asked the cloud in 0% of their interactions" in text
    numbers = text[text.index("Request frequency") : text.index("What was simulated")]
    assert "0 requests of 60 users" in numbers
    assert "Median response time – 0 answered requests" in numbers
    energy = pd.read_csv(page.parent / "figures" / "energy_by_state.csv")
    assert dict(zip(energy["state"], energy["share"], strict=True)) == {
        "compute": 1.0,
        "radio active": 0.0,
    }
    assert energy["per_device_j"].tolist() == [12.5, 0.0]
    assert 'id="request_placement"' in page.read_text()
    assert "No request was answered" in text
    assert "No device asked for anything." in text


def rewritten(directory: Path, file: str, change: Callable[[dict[str, Any]], object]) -> str:
    """The words of a run's report after a change of one of its YAML or JSON files."""
    content = yaml.safe_load((directory / file).read_text())
    change(content)
    (directory / file).write_text(json.dumps(content))
    return words(run_report.html(records.read(directory), {}))


def test_the_command_repeats_this_run(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", Case(users=5, devices=5))
    typed = "python run_sim.py scenarios/constructed.yaml --set cloud.replicas=1"
    text = rewritten(directory, "manifest.json", lambda manifest: manifest)
    assert text.count(typed) == 1
    assert "LSC_DATA" not in text
    text = rewritten(directory, "manifest.json", lambda manifest: manifest.update(point=True))
    assert "python run_sim.py scenario.yaml This run is a point of a sweep" in text
    assert f"The whole sweep was made by: {typed}" in text
    text = rewritten(
        directory, "manifest.json", lambda manifest: manifest.update(point=False, command_line=[])
    )
    assert "python run_sim.py scenario.yaml scenario.yaml is the file beside this page." in text


def test_settings_without_effect_are_told(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", Case(users=5, devices=5))
    idle = {"faults.regions": "no fault names regions"}
    text = rewritten(
        directory, "manifest.json", lambda manifest: manifest.update(idle_settings=idle)
    )
    assert "Settings without effect faults.regions as no fault names regions" in text
    text = rewritten(directory, "manifest.json", lambda manifest: manifest.update(idle_settings={}))
    assert "Settings without effect" not in text


@pytest.mark.parametrize(("dataset", "told"), [("ml-100k", True), ("data/my.txt", False)])
def test_the_command_says_where_a_data_set_is_looked_for(
    dataset: str, told: bool, tmp_path: Path
) -> None:
    directory = write_run(tmp_path / "run", Case(users=5, devices=5))
    text = rewritten(
        directory, "scenario.yaml", lambda scenario: scenario["workload"].update(dataset=dataset)
    )
    assert (f"{dataset} is looked for in the directory that LSC_DATA names." in text) == told


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("summary.json", None, "no such file"),
        ("summary.json", "{", "is no JSON: line 1"),
        ("scenario.yaml", "a: [", "is no YAML"),
        ("requests.parquet", "nonsense", "is no parquet file"),
        ("freshness.parquet", None, "no such file"),
    ],
)
def test_bad_records_end_in_one_line(
    file: str,
    content: str | None,
    problem: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    directory = write_run(tmp_path / "run", Case(users=5, devices=5))
    (directory / file).unlink()
    if content is not None:
        (directory / file).write_text(content)
    assert report.main([str(directory)]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"error: {directory / file}: ")
    assert problem in message
    assert message.count("\n") == 1
    assert not (directory / "report.html").exists()


@pytest.mark.parametrize("file", ["interactions", "requests", "freshness", "cloud_load"])
def test_overwritten_columns_end_in_one_line(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = write_run(tmp_path / "run", Case(users=5, devices=5))
    path = directory / f"{file}.parquet"
    content = path.read_bytes()
    footer = content[-8 - int.from_bytes(content[-8:-4], "little") :]
    path.write_bytes(content[:4] + b"x" * (len(content) - 4 - len(footer)) + footer)
    assert len(StoredColumns(path))  # its footer is sound
    assert report.main([str(directory)]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"error: {path}: is no parquet file (")
    assert message.count("\n") == 1
    with pytest.raises(RecordsError, match="is no parquet file"):
        records.read_frame(path)


def test_missing_column_and_directory(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", Case(users=5, devices=5))
    frame = pd.read_parquet(directory / "interactions.parquet").drop(columns="wanted")
    frame.to_parquet(directory / "interactions.parquet")
    with pytest.raises(RecordsError, match=r"interactions.parquet: lacks the column 'wanted'"):
        report.write(directory)
    with pytest.raises(RecordsError, match="no such directory"):
        report.write(tmp_path / "nowhere")


def test_missing_world_and_series(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run", Case(users=5, devices=5))
    (directory / "baseline_worlds.json").write_text('{"run": {}, "never": {}}')
    with pytest.raises(RecordsError, match=r"baseline_worlds.json: lacks the world 'always'"):
        records.read(directory)
    path = directory / "accuracy_by_user.parquet"
    pd.read_parquet(path).query("series != 'llm_full'").to_parquet(path)
    with pytest.raises(RecordsError, match=r"by_user.parquet: lacks the series 'llm_full'"):
        records.read(directory)


def test_the_command_prints_the_page(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main([str(run_dir)]) == 0
    assert capsys.readouterr().out.strip() == str(run_dir / "report.html")


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to lay the page out")
@pytest.mark.parametrize("width", [360, 390, 1280])
def test_nothing_is_wider_than_the_screen(page: Path, width: int, tmp_path: Path) -> None:
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<iframe src="{page.as_uri()}" style="width:{width}px;height:900px;border:0"></iframe>'
        "<script>onload = () => { const page = frames[0].document;"
        "for (const details of page.querySelectorAll('details')) details.open = true;"
        "const root = page.documentElement;"
        "document.title = 'wide ' + root.scrollWidth + ' of ' + root.clientWidth; }</script>"
    )
    command = [
        str(CHROMIUM),
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--virtual-time-budget=5000", "--dump-dom", frame.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    measured = re.search(r"<title>wide (\d+) of (\d+)</title>", done.stdout)
    assert measured is not None
    assert int(measured[1]) <= int(measured[2]) <= width


def test_wall_time_leaves_out_the_report_which_is_not_yet_written(page: Path) -> None:
    (wall,) = re.findall(r"Wall time: ([^;]+);", text_of(page))
    assert wall == "prepare 0.400 s, train 31.0 s, infer 6.50 s, simulate 0.800 s"
