"""Ablations: settings and ways to order, paired on users, with verdicts only where allowed."""

import math
from pathlib import Path

import pytest
from ablation_directory import BASELINES, USERS, Point, write

from analysis import ablation, ablation_tables, report, sweep_records
from analysis.ablation import Ablation, Row, Setting
from analysis.figures import ablation_accuracy, ablation_changes

STRATEGIES = ({"kind": "independent"}, {"kind": "cooperative"})


def gain(rank: int) -> float:
    """NDCG@10 of one relevant item at a rank."""
    return 1 / math.log2(rank + 1) if 0 < rank <= 10 else 0.0


def of(directory: Path) -> tuple[Ablation, ...]:
    return ablation.of_sweep(sweep_records.read(directory))


def grid(directory: Path) -> Path:
    """Two data sets, two strategies, fusions 1, 3, 5 and learned."""
    points = []
    for dataset in ("one", "two"):
        for number, strategy in enumerate(STRATEGIES):
            for fusion, rank in ((1, 5), (3, 2 - number), (5, 3 - number), ("learned", 1)):
                values = {
                    "workload": {"dataset": dataset, "replay_steps": 4 if dataset == "one" else 20},
                    "models.training.strategy": strategy,
                    "models.fusion": str(fusion),
                }
                point = Point(values, (rank, rank), fusion, dataset, baselines={"srm_only": 9})
                points.append(point)
    block = {"workload": [], "models.training.strategy": [], "models.fusion": []}
    return write(directory, points, block)


@pytest.fixture(scope="module")
def grid_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grid(tmp_path_factory.mktemp("ablations") / "grid")


def test_settings_ways_and_means_by_hand(grid_dir: Path) -> None:
    one, two = of(grid_dir)
    assert (one.name, two.name) == ("one", "two")
    assert [setting.label for setting in one.settings] == ["independent", "cooperative"]
    assert one.ways == (
        "popularity",
        "LLM, whole catalogue",
        "LLM only",
        "SRM only",
        "fusion 3",
        "learned fusion",
        "SRM, whole catalogue",
    )
    assert one.reference == Row(Setting(("independent",)), "LLM only")
    assert one.users == USERS
    for number, setting in enumerate(one.settings):
        expected = {
            "popularity": 0.0,
            "LLM, whole catalogue": gain(BASELINES["llm_full"]),
            "LLM only": gain(5),
            # The point with fusion 5, not what its siblings recorded as a baseline.
            "SRM only": gain(3 - number),
            "fusion 3": gain(2 - number),
            "learned fusion": gain(1),
            "SRM, whole catalogue": gain(BASELINES["srm_full"]),
        }
        for way, value in expected.items():
            assert one.mean(Row(setting, way)).value == pytest.approx(value)
    assert one.constant_ways == (
        "popularity",
        "LLM, whole catalogue",
        "LLM only",
        "learned fusion",
        "SRM, whole catalogue",
    )


def test_differences_are_paired_on_users(tmp_path: Path) -> None:
    """Two settings that swap even and odd users differ by nothing, but never by exactly nothing."""
    points = [
        Point({"models.srm.hidden": 16}, (1, 1)),
        Point({"models.srm.hidden": 32}, (1, 2)),
        Point({"models.srm.hidden": 64}, (2, 1)),
    ]
    (found,) = of(write(tmp_path / "sweep", points))
    first, second, third = found.runs
    assert found.difference(second, first).value == pytest.approx((gain(2) - 1) / 2)
    assert found.difference(second, first).below_zero
    assert found.difference(first, first).low == found.difference(first, first).high == 0
    swap = found.difference(third, second)
    assert swap.value == pytest.approx(0)
    assert swap.low is not None
    assert swap.low < 0 < (swap.high or 0)
    assert [setting.label for setting in found.settings] == [
        f"SRM hidden {n}" for n in (16, 32, 64)
    ]
    assert [change.step for change in found.changes()] == [
        "SRM hidden 32 \u2212 16",
        "SRM hidden 64 \u2212 32",
    ]


def test_changes_are_at_equal_other_settings(grid_dir: Path) -> None:
    one, _ = of(grid_dir)
    changes = one.changes()
    assert {change.step for change in changes} == {"cooperative \u2212 independent"}
    # Only what the strategy changes here: the SRM's order and the fusion of both.
    assert [change.after.way for change in changes] == ["SRM only", "fusion 3"]
    assert one.difference(changes[0].after, changes[0].before).value == pytest.approx(
        gain(2) - gain(3)
    )


def test_ordering_is_told_by_its_intervals(grid_dir: Path, tmp_path: Path) -> None:
    one, _ = of(grid_dir)
    table = ablation_tables.ordering(one)
    assert table is not None
    assert [row[-1].text for row in table.rows if len(row) > 1] == [
        "yes",  # by NDCG@10: learned 1 and fusion 3 at 2 above 3 above 5
        "not told apart",  # by HR@10 all hit
        "yes",
        "not told apart",
    ]
    assert "holds in 2 of 2 training conditions" in ablation_tables.sentence(one)

    points = [
        Point({"models.fusion": "3"}, (4, 4), 3, baselines={"srm_only": 3, "llm_only": 6}),
        Point({"models.fusion": "learned"}, (1, 1), "learned"),
    ]
    (mixed,) = of(write(tmp_path / "mixed", points))
    mixed_table = ablation_tables.ordering(mixed)
    assert mixed_table is not None
    assert mixed_table.rows[0][-1].text == "with learned fusion"
    (lost,) = of(write(tmp_path / "lost", points[:1]))
    lost_table = ablation_tables.ordering(lost)
    assert lost_table is not None
    assert lost_table.rows[0][-1].text == "no"
    assert "fails here" in ablation_tables.sentence(lost)


def test_seeds_are_averaged_before_the_interval(tmp_path: Path) -> None:
    points = [
        Point({"models.srm.hidden": hidden, "models.seed": seed}, rank)
        for hidden, seed, rank in (
            (16, 0, (1, 2)),
            (16, 1, (2, 1)),
            (32, 0, (3, 3)),
            (32, 1, (3, 3)),
        )
    ]
    directory = write(tmp_path / "seeds", points)
    (found,) = of(directory)
    assert found.replications == 2
    assert len(found.settings) == 2
    mean = found.mean(found.runs[0])
    assert mean.value == pytest.approx((gain(1) + gain(2)) / 2)
    # Every user's own mean is the same, so resampling users changes nothing.
    assert mean.low == pytest.approx(mean.value)
    assert mean.high == pytest.approx(mean.value)
    page = report.write(directory).read_text(encoding="utf-8")
    assert "the mean of 2 seeds" in page
    assert "the mean over 2 seeds" in page


def test_unequal_users_are_said(tmp_path: Path) -> None:
    points = [
        Point({"models.srm.hidden": 16}, (1, 1)),
        Point({"models.srm.hidden": 32}, (2, 2), users=range(5, USERS)),
    ]
    directory = write(tmp_path / "unequal", points)
    (found,) = of(directory)
    assert (found.users, found.left_out) == (USERS - 5, 5)
    assert "5 users are missing from some setting" in report.write(directory).read_text()


def test_axes_that_vary_together_are_one_change(tmp_path: Path) -> None:
    adaptations = (None, None, {"kind": "on_device", "every_interactions": 1})
    strategies = ("independent", "cooperative", "cooperative")
    points = [
        Point(
            {
                "models.llm.trained_until": cut,
                "models.training.strategy": {"kind": strategy},
                "models.adaptation": adaptation or {"kind": "none", "every_interactions": None},
            },
            (rank, rank),
        )
        for cut in (None, 0.5)
        for rank, (strategy, adaptation) in enumerate(
            zip(strategies, adaptations, strict=True), start=1
        )
    ]
    block = {
        "models.llm.trained_until": [None, 0.5],
        "zip": [{"models.training.strategy": [], "models.adaptation": []}],
    }
    (found,) = of(write(tmp_path / "zipped", points, block))
    assert [setting.levels[0] for setting in found.settings[::3]] == [
        "LLM without cut-off",
        "LLM knows the first 50%",
    ]
    steps = list(dict.fromkeys(change.step for change in found.changes()))
    assert steps == [
        "cooperative \u2212 independent",
        "+ re-trained on the device every interaction",
    ]
    panels = ablation_accuracy.panels(found.settings)
    assert [panel.title for panel in panels] == ["LLM without cut-off", "LLM knows the first 50%"]
    assert ablation_changes.draw(found) is not None


def test_page_tells_how_much_was_ordered_with_retrained_weights(tmp_path: Path) -> None:
    def page(name: str, *adapted: float) -> str:
        points = [
            Point({"models.srm.hidden": 16 * number}, (1, 1), adapted=each)
            for number, each in enumerate((math.nan, *adapted), start=1)
        ]
        return report.write(write(tmp_path / name, points)).read_text(encoding="utf-8")

    assert "ordered 25.0% of interactions, where" in page("one", 20.0)
    assert "ordered 25.0% to 75.0% of interactions, where" in page("two", 60.0, 20.0)
    assert "Re-trained weights" not in page("none")


def test_page_leads_with_the_ablation(grid_dir: Path) -> None:
    page = report.write(grid_dir).read_text(encoding="utf-8")
    for name in ("ablation_accuracy_one", "ablation_accuracy_two", "ablation_changes_one"):
        assert f'<figure id="{name}">' in page
        assert (grid_dir / "figures" / f"{name}.csv").is_file()
    assert "trade-off" not in page
    assert page.index("What does each part bring?") < page.index("ablation_accuracy_one")
    assert "beats 2 of 8 settings" in page  # those that show the LLM's order, at rank 5
    assert "<code>models.seed=3</code>, <code>seed=7</code>" in page
    assert report.write(grid_dir).read_text(encoding="utf-8") == page


def test_too_few_users_give_no_verdict(tmp_path: Path) -> None:
    points = [
        Point({"models.fusion": fusion}, (rank, rank), fusion, users=range(10))
        for fusion, rank in ((3, 1), (4, 2))
    ]
    directory = write(tmp_path / "few", points)
    (found,) = of(directory)
    table = ablation_tables.ordering(found)
    assert table is not None
    assert {row[-1].text for row in table.rows} == {"no interval"}
    assert "without" not in ablation_tables.sentence(found)


def test_nothing_is_said_of_a_fusion_that_phones_left_out(tmp_path: Path) -> None:
    points = [
        Point({"models.srm.hidden": 16}, (1, 1)),
        Point({"models.srm.hidden": 32}, (1, 2), unscored=10),
    ]
    (saving,) = of(write(tmp_path / "saving", points))
    assert saving.unscored == 10 / USERS
    assert ablation_tables.ordering(saving) is None
    assert "nothing is said: at up to 25.0% of a setting's steps" in ablation_tables.sentence(
        saving
    )
    assert "holds" not in ablation_tables.sentence(saving)
    page = report.write(tmp_path / "saving").read_text()
    assert "Does the paper" not in page
    (able,) = of(write(tmp_path / "able", points[:1]))
    assert able.unscored == 0
    assert ablation_tables.ordering(able) is not None
    assert "The paper's ordering" in ablation_tables.sentence(able)
