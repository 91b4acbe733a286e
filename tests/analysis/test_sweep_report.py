"""A sweep's report: the trade-off, its Pareto front, and a winner only where it is shown."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_directory import Case, write_run, write_sweep
from shootout_directory import Series, write_shootout

from analysis import costs, policy_contest, report, sweep_findings, sweep_records, swept_words
from analysis.errors import RecordsError
from analysis.figures import trade_off
from analysis.summary import flatten


@pytest.fixture(scope="module")
def page(sweep_dir: Path) -> str:
    return report.write(sweep_dir).read_text(encoding="utf-8")


def test_leads_with_the_trade_off_and_links_its_runs(page: str, sweep_dir: Path) -> None:
    figures = re.findall(r'<figure id="(\w+)">', page)
    assert figures[0] == "trade_off"
    assert {"trade_off_response", "trade_off_energy", "trade_off_bytes"} <= set(figures)
    for point in (sweep_dir / "points").iterdir():
        assert f'href="points/{point.name}/report.html"' in page
    for name in figures:
        assert (sweep_dir / "figures" / f"{name}.csv").is_file()
    assert "<script" not in page
    assert not re.search(r'(src|<link[^>]*href)="', page)


def test_settings_are_the_points_and_the_worlds_of_their_runs(sweep_dir: Path) -> None:
    sweep = sweep_records.read(sweep_dir)
    assert sweep.series == ("consistency", "random")
    assert sweep.swept == ("policy",)
    assert sweep.facets == ("",)
    settings = sweep.settings
    assert sorted(settings["series"].unique()) == ["always", "consistency", "never", "random"]
    assert settings.loc[settings["series"] == "never", "request_frequency"].tolist() == [0.0]
    points = pd.read_parquet(sweep_dir / "sweep.parquet")
    swept = settings[settings["swept"]]
    assert sorted(swept["accuracy.ndcg@10.mean"]) == sorted(points["accuracy.ndcg@10.mean"])
    assert "threshold 0.3" in set(swept["policy"])


def test_pareto_front_is_what_nothing_beats(sweep_dir: Path) -> None:
    drawing = trade_off.draw(sweep_records.read(sweep_dir))
    assert drawing is not None
    table = drawing.table
    asked = table["request frequency"].to_numpy()
    accuracy = table["ndcg@10"].to_numpy()
    for row in range(len(table)):
        beaten = np.any(
            (asked <= asked[row])
            & (accuracy >= accuracy[row])
            & ((asked < asked[row]) | (accuracy > accuracy[row]))
        )
        assert (table["on the Pareto front"].iloc[row] == "yes") == (not beaten)


def test_settings_without_a_cost_are_not_said_to_be_drawn(sweep_dir: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(sweep_dir, tmp_path / "copy")
    points = pd.read_parquet(copy / "sweep.parquet")
    for answered, said in ((8, "The same 8 settings."), (7, "7 of the 8 settings; others have")):
        known = points["response_s.p50"].where(np.arange(8) < answered)
        points.assign(**{"response_s.p50": known}).to_parquet(copy / "sweep.parquet")
        drawing = trade_off.draw(sweep_records.read(copy), costs.RESPONSE)
        assert drawing is not None
        assert drawing.caption.startswith(said)


def test_contest_interpolates_and_pairs(sweep_dir: Path) -> None:
    sweep = sweep_records.read(sweep_dir)
    contests = {contest.frequency: contest for contest in policy_contest.contests(sweep)}
    settings = sweep.settings
    mine = settings[settings["series"] == "consistency"].sort_values("request_frequency")
    expected = np.interp(0.3, mine["request_frequency"], mine["accuracy.ndcg@10.mean"])
    assert contests[0.3].accuracy["consistency"].value == pytest.approx(expected)
    lead = contests[0.3].lead
    assert lead is not None
    difference = [contests[0.3].accuracy[kind].value for kind in ("consistency", "random")]
    assert abs(lead.value) == pytest.approx(abs(difference[0] - difference[1]))
    assert (contests[0.3].winner is not None) == lead.above_zero
    # Just below the least threshold's frequency, on the way to the end `never`.
    least = float(mine["request_frequency"].min())
    assert 0.1 < least < 0.12
    never = float(settings.loc[settings["series"] == "never", "accuracy"].iloc[0])
    expected = np.interp(0.1, [0, least], [never, mine["accuracy"].iloc[0]])
    assert contests[0.1].accuracy["consistency"].value == pytest.approx(expected)


def test_no_winner_where_policies_are_the_same(tmp_path: Path) -> None:
    rows = []
    for kind in ("consistency", "random"):
        for number, threshold in enumerate((0.3, 0.8)):
            name = f"{kind}-{number}"
            case = Case(threshold=threshold, policy=kind)
            write_run(tmp_path / "points" / name, case, seed=number)
            rows.append(_row(tmp_path, name, {"policy.kind": kind, "policy.threshold": threshold}))
    pd.DataFrame(rows).to_parquet(tmp_path / "sweep.parquet")
    contest = next(
        c for c in policy_contest.contests(sweep_records.read(tmp_path)) if c.frequency == 0.3
    )
    assert contest.winner is None
    assert "no policy is shown to be the best" in report.write(tmp_path).read_text()


def test_other_swept_keys_become_panels_and_seeds_bands(tmp_path: Path) -> None:
    rows = []
    for preset in ("3g", "wifi"):
        for threshold in (0.4, 0.7):
            for seed in (0, 1):
                name = f"{preset}-{threshold}-{seed}"
                write_run(tmp_path / "points" / name, Case(threshold=threshold), seed=seed)
                values = {"policy.threshold": threshold, "network.preset": preset, "seed": seed}
                rows.append(_row(tmp_path, name, values))
    pd.DataFrame(rows).to_parquet(tmp_path / "sweep.parquet")
    sweep = sweep_records.read(tmp_path)
    assert sweep.facets == ("preset 3g", "preset wifi")
    assert sweep.replications == 2
    assert sweep.settings["swept"].sum() == 4
    drawing = trade_off.draw(sweep)
    assert drawing is not None
    assert "all seeds of a user taken together" in drawing.caption
    each = json.loads((tmp_path / "points" / "3g-0.4-0" / "summary.json").read_text())
    assert f"{2 * each['interactions']:,} interactions of all seeds together" in drawing.caption
    assert len(drawing.figure.axes) == 2
    page = report.write(tmp_path).read_text()
    assert "seed 1" in page
    assert "interactions of all 2 seeds are taken together" in page


def test_warns_where_the_phone_alone_beats_a_setting(tmp_path: Path) -> None:
    rows = []
    for threshold in (0.4, 0.7):
        name = f"t{threshold}"
        case = Case(threshold=threshold, level={**Case().level, "srm_full": 0.95})
        write_run(tmp_path / "points" / name, case)
        rows.append(_row(tmp_path, name, {"policy.threshold": threshold}))
    pd.DataFrame(rows).to_parquet(tmp_path / "sweep.parquet")
    page = report.write(tmp_path).read_text()
    assert "The phone does better without the cloud." in page
    assert "beats all 2 settings" in page
    assert "What does each part bring?" not in page


def test_names_stay_within_the_figure(tmp_path: Path) -> None:
    kinds = ("random", "a policy with quite a long name", "periodic", "staleness", "b", "c", "d")
    many = {name: Series(name.replace(" ", "_")) for name in kinds}
    for presets in ((), ("wifi", "3g", "edge")):
        home = tmp_path / str(len(presets))
        sweep = sweep_records.read(
            write_shootout(home, many, targets=(0.2, 0.5), seeds=1, presets=presets)
        )
        drawing = trade_off.draw(sweep)
        assert drawing is not None
        whole = drawing.figure.bbox
        keys = [*drawing.figure.legends, *(axes.get_legend() for axes in drawing.figure.axes)]
        texts = [text for axes in drawing.figure.axes for text in axes.texts]
        for shown in [*filter(None, keys), *texts]:
            extent = shown.get_window_extent()
            assert whole.x0 <= extent.x0 <= extent.x1 <= whole.x1 + 1
            assert whole.y0 - 1 <= extent.y0 <= extent.y1 <= whole.y1 + 1


def test_panels_of_which_the_same_is_told_are_told_of_once(tmp_path: Path) -> None:
    rows = []
    for preset in ("3g", "wifi"):
        for threshold in (0.4, 0.7):
            name = f"{preset}-{threshold}"
            case = Case(threshold=threshold, level={**Case().level, "srm_full": 0.95})
            write_run(tmp_path / "points" / name, case)
            values = {"policy.threshold": threshold, "network.preset": preset}
            rows.append(_row(tmp_path, name, values))
    pd.DataFrame(rows).to_parquet(tmp_path / "sweep.parquet")
    (finding,) = sweep_findings.of_policies(sweep_records.read(tmp_path))
    assert finding.text.startswith("With preset 3g; with preset wifi, in each of them the SRM")
    assert "the SRM minus that setting, paired on users, is +" in finding.text


def test_a_sweep_of_policies_and_models_has_both(tmp_path: Path) -> None:
    rows = []
    for threshold in (0.4, 0.7):
        for hidden in (16, 32):
            name = f"t{threshold}-{hidden}"
            write_run(tmp_path / "points" / name, Case(threshold=threshold), seed=hidden)
            values = {"policy.threshold": threshold, "models.srm.hidden": hidden}
            rows.append(_row(tmp_path, name, values))
    pd.DataFrame(rows).to_parquet(tmp_path / "sweep.parquet")
    page = report.write(tmp_path).read_text()
    figures = re.findall(r'<figure id="(\w+)">', page)
    assert figures[0] == "trade_off"
    assert {"ablation_accuracy_synthetic", "ablation_changes_synthetic"} <= set(figures)
    assert sweep_records.read(tmp_path).facets == ("SRM hidden 16", "SRM hidden 32")


def test_same_records_give_the_same_bytes(page: str, tmp_path: Path) -> None:
    assert report.write(write_sweep(tmp_path / "again")).read_text(encoding="utf-8") == page


def test_bad_sweeps_name_the_file(sweep_dir: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(sweep_dir, tmp_path / "copy")
    points = pd.read_parquet(copy / "sweep.parquet")
    points.drop(columns="request_frequency").to_parquet(copy / "sweep.parquet")
    with pytest.raises(RecordsError, match=r"sweep.parquet: lacks the column 'request_frequency'"):
        report.write(copy)
    points.iloc[:0].to_parquet(copy / "sweep.parquet")
    with pytest.raises(RecordsError, match="has no finished point"):
        report.write(copy)


OUTAGES: list[list[dict[str, float]]] = [[], [{"start_s": 200, "duration_s": 100}]]


def write_outages(directory: Path, seeds: tuple[int, int], level: float = 0.55) -> Path:
    """Write a sweep of no outage and one; with the same seed and level the outage changed nothing.

    Args:
        directory: where.
        seeds: of the two runs.
        level: the second run's chance of a hit with fresh lists.
    """
    rows = []
    for number, outages in enumerate(OUTAGES):
        always = level if number else 0.55
        case = Case(level={**Case().level, "always": always, "never": always / 2})
        write_run(directory / "points" / f"p{number}", case, seed=seeds[number])
        rows.append(_row(directory, f"p{number}", {"faults.outages": outages}))
    pd.DataFrame(rows).to_parquet(directory / "sweep.parquet")
    return directory


def test_equal_settings_are_tied(tmp_path: Path) -> None:
    page = report.write(write_outages(tmp_path / "equal", (0, 0))).read_text()
    assert "All 2 settings are tied, exactly equal: NDCG@10" in page
    assert "was the most accurate" not in page
    page = report.write(write_outages(tmp_path / "alike", (0, 1))).read_text()
    assert "but tied with the other: no paired interval tells them apart" in page
    page = report.write(write_outages(tmp_path / "apart", (0, 1), level=0.95)).read_text()
    assert "was the most accurate" in page
    assert "tied" not in page


def test_lists_are_labelled_as_yaml_and_titles_fit(tmp_path: Path) -> None:
    sweep = sweep_records.read(write_outages(tmp_path, (0, 0)))
    assert sweep.facets == ("outages: []", "outages: [{start_s: 200, duration_s: 100}]")
    mapping = {"kind": "round_robin", "choices": 2}
    label = swept_words.of_value("cloud.routing", mapping)
    assert label == "routing: {kind: round_robin, choices: 2}"
    long = ["a" * 30 + middle + "b" * 30 for middle in ("x", "y")]
    short = swept_words.shortened([*long, "c"], 20)
    assert len(set(short)) == 3
    assert all(len(each) <= 20 for each in short)
    assert swept_words.shortened(["c", "a" * 12 + "b" * 12], 9) == ["c", "aaaa…bbbb"]


def test_failed_requests_are_columns_only_where_there_are_any(tmp_path: Path) -> None:
    directory = write_outages(tmp_path, (0, 1))
    points = pd.read_parquet(directory / "sweep.parquet")
    points["outcomes.lost"] = [0, 4321]
    points["outcomes.rejected"] = 0
    points.to_parquet(directory / "sweep.parquet")
    for world in directory.glob("points/*/baseline_worlds.json"):
        block = json.loads(world.read_text())
        for each in block.values():
            each["outcomes"]["rejected"] = 0
        world.write_text(json.dumps(block))
    page = report.write(directory).read_text()
    table = page[page.index("All settings of the sweep") :]
    heads = re.findall(r"<th[^>]*>([^<]+)</th>", table)
    assert "lost" in heads
    assert "95th percentile" in heads
    assert "rejected" not in heads
    assert "4,321" in table


def test_the_answer_names_settings_as_the_table_does(tmp_path: Path) -> None:
    rows = []
    for hidden in (16, 32):
        name = f"h{hidden}"
        write_run(tmp_path / "points" / name, Case(), seed=hidden)
        values = {"policy.threshold": 0.6, "models.srm": {"kind": "sasrec", "hidden": hidden}}
        rows.append(_row(tmp_path, name, values))
    pd.DataFrame(rows).to_parquet(tmp_path / "sweep.parquet")
    page = report.write(tmp_path).read_text()
    answer = page[page.index('class="sentence"') : page.index("was the most accurate")]
    named = re.search(r"policy, (consistency threshold 0.6, SRM sasrec \(hidden \d+\)) $", answer)
    assert named is not None
    assert named.group(1) in page[page.index("All settings of the sweep") :]
    # With one policy there is nothing to be best of.
    assert "best minus second" not in page


def _row(directory: Path, name: str, values: dict[str, object]) -> dict[str, object]:
    block = json.loads((directory / "points" / name / "summary.json").read_text())
    return {"id": name, **values, **flatten(block)}
