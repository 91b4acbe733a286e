"""Policies at equal request frequency: curves, areas, shares and tests, against plain sums."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from shootout_directory import SERIES, Series, write_shootout

from analysis import (
    calibration,
    emphasis,
    equal_accuracy,
    policy_contest,
    policy_gains,
    policy_pairs,
    policy_tables,
    policy_verdicts,
    sweep_records,
    theme,
)
from analysis.figures import calibration as calibration_figure
from analysis.intervals import Estimate
from analysis.panel import Panel
from analysis.policy_gains import Gain
from analysis.sweep_records import SweepRecords


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> SweepRecords:
    return sweep_records.read(write_shootout(tmp_path_factory.mktemp("shootout")))


def by_hand(points: dict[tuple[str, float], float], users: int = 40, spread: float = 0.0) -> Panel:
    """A panel whose settings (series, frequency) have an accuracy that every user has too."""
    index = pd.Index(range(users))
    aside = spread * np.where(np.arange(users) % 2, 1.0, -1.0)
    sums = [
        pd.DataFrame({"interactions": 10.0, "mrr": 10 * accuracy + aside}, index=index)
        for accuracy in points.values()
    ]
    rows = pd.DataFrame(
        [
            {"series": series, "request_frequency": frequency, "bound": series == "hindsight"}
            for series, frequency in points
        ]
    )
    return Panel("", rows, sums, {}, "mrr")


HAND = {
    ("never", 0.0): 0.1,
    ("random", 0.2): 0.2,
    ("random", 0.6): 0.4,
    ("clever", 0.1): 0.25,
    ("clever", 0.5): 0.45,
    ("hindsight", 0.1): 0.5,
    ("hindsight", 0.9): 0.5,
    ("always", 1.0): 0.5,
}


def test_a_curve_is_linear_between_its_settings_and_its_ends() -> None:
    panel = by_hand(HAND)
    clever = panel.curves["clever"]
    at = [panel.estimate(clever.at(f)).value for f in (0.0, 0.05, 0.1, 0.3, 0.5, 0.75, 1.0)]
    assert at == pytest.approx([0.1, 0.175, 0.25, 0.35, 0.45, 0.475, 0.5])
    assert [clever.reaches(f) for f in (0.05, 0.08, 0.5, 0.53)] == [False, True, True, False]
    assert sorted(panel.contenders) == ["clever", "random"]


def test_area_and_share_by_hand() -> None:
    gains = {gain.series: gain for gain in policy_gains.gains([by_hand(HAND)])}
    clever = gains["clever"]
    assert (clever.low, clever.high) == (0.2, 0.5)
    # clever is 0.3 .. 0.45 and random 0.2 .. 0.35 there: 0.1 apart all along.
    assert clever.over_random.value == pytest.approx(0.1)
    # hindsight is 0.5 there, random 0.275 in the mean.
    assert clever.recovered is not None
    assert clever.recovered.value == pytest.approx(0.1 / 0.225)
    assert gains["hindsight"].recovered is None
    # random has 0.25 at 30%, which clever has at its first setting.
    assert clever.requests is not None
    assert clever.requests.value == pytest.approx(0.1)
    assert (clever.requests.low, clever.requests.high) == pytest.approx((0.1, 0.1))


@given(st.lists(st.floats(0.02, 0.98), min_size=2, max_size=6, unique=True), st.data())
def test_the_mean_over_a_range_is_that_of_many_frequencies(
    frequencies: list[float], data: st.DataObject
) -> None:
    heights = data.draw(
        st.lists(st.floats(0.1, 0.9), min_size=len(frequencies), max_size=len(frequencies))
    )
    points = {("p", f): h for f, h in zip(sorted(frequencies), heights, strict=True)}
    panel = by_hand({**points, ("never", 0.0): 0.1, ("always", 1.0): 0.5})
    curve = panel.curves["p"]
    low, high = sorted(data.draw(st.tuples(st.floats(0, 0.45), st.floats(0.55, 1))))
    grid = (np.arange(4000) + 0.5) / 4000 * (high - low) + low
    plain = np.interp(grid, [0, *sorted(frequencies), 1], [0.1, *heights, 0.5]).mean()
    assert panel.estimate(curve.mean(low, high)).value == pytest.approx(plain, abs=2e-4)


def test_a_frequency_is_where_the_level_is_first_reached() -> None:
    points = {("p", f): a for f, a in ((0.2, 0.3), (0.4, 0.5), (0.6, 0.4), (0.8, 0.7))}
    panel = by_hand({**points, ("q", 0.5): 0.4, ("r", 0.5): 0.6, ("s", 0.5): 0.9})
    curve = panel.curves["p"]
    for series, expected in (("q", 0.3), ("r", 0.6 + 0.2 * 2 / 3), ("s", None)):
        needed = equal_accuracy.requests_for(panel, curve, panel.curves[series].at(0.5))
        assert (needed and needed.value) == (expected and pytest.approx(expected))


def test_p_values_are_those_of_the_paired_t_test(sweep: SweepRecords) -> None:
    (panel,) = sweep.panels
    settings = panel.settings.reset_index(drop=True)
    one, other = (
        int(settings.index[(settings["series"] == name) & (settings["target"] == 0.3)][0])
        for name in ("periodic", "random")
    )
    means = [
        (sums["ndcg@10"] / sums["interactions"]).to_numpy()
        for ids in (settings.loc[one, "ids"], settings.loc[other, "ids"])
        for sums in [sweep.sums(ids).loc["run"]]
    ]
    expected = stats.ttest_rel(*means).pvalue
    assert panel.p_value(panel.unit(one) - panel.unit(other)) == pytest.approx(expected, rel=1e-9)


def test_holm_by_hand_and_never_less_than_raw() -> None:
    assert policy_pairs.holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert policy_pairs.holm([0.6, 0.7]).tolist() == [1.0, 1.0]
    assert policy_pairs.holm([]).tolist() == []


def test_every_pair_at_every_wanted_frequency(sweep: SweepRecords) -> None:
    pairs = policy_pairs.pairs(sweep)
    # Consistency reaches 60% at most, and the bound takes no part.
    assert pairs.groupby("frequency").size().to_dict() == {
        0.05: 6, 0.1: 6, 0.2: 6, 0.3: 6, 0.5: 6, 0.8: 3,
    }  # fmt: skip
    assert not pairs[["policy", "other"]].eq("hindsight").any().any()
    told = pairs[pairs["told_apart"]]
    assert (told["low"] > 0).all()
    assert (pairs["p_adjusted"] >= pairs["p"]).all()


def test_a_winner_only_where_it_is_told_from_all(sweep: SweepRecords) -> None:
    contests = {contest.frequency: contest for contest in policy_contest.contests(sweep)}
    contest = contests[0.3]
    assert contest.winner == "age and consistency"
    assert list(contest.bounds) == ["hindsight"]
    assert "hindsight" not in contest.accuracy
    (sentence, *_) = policy_verdicts.winners([contest], "ndcg@10")
    assert sentence.startswith("At 30% of requests, age and consistency is the best: NDCG@10")


@pytest.mark.parametrize(
    ("targets", "told"),
    [((0.2,), [0.2]), ((0.05, 0.2), [0.05, 0.2]), ((0.05, 0.1, 0.2, 0.4, 0.6), [0.1, 0.3, 0.5])],
)
def test_few_wanted_frequencies_are_those_that_are_told(
    tmp_path: Path, targets: tuple[float, ...], told: list[float]
) -> None:
    """Who asks for the best policy at 20% reads of 20%."""
    series = {"random": Series("random", bend=0.9), "periodic": Series("periodic", bend=0.5)}
    sweep = sweep_records.read(write_shootout(tmp_path, series, targets=targets, seeds=1))
    assert [contest.frequency for contest in policy_contest.contests(sweep)] == told


def test_twins_are_not_told_apart(tmp_path: Path) -> None:
    twins = {name: Series(name, bend=0.5) for name in ("periodic", "staleness")}
    sweep = sweep_records.read(write_shootout(tmp_path, twins, targets=(0.2, 0.4), seeds=1))
    contest = next(c for c in policy_contest.contests(sweep) if c.frequency == 0.2)
    assert contest.winner is None
    assert contest.tied == ["staleness"]
    (sentence,) = policy_verdicts.winners([contest], "hr@5")
    assert "no policy is shown to be the best: periodic has the highest HR@5" in sentence
    assert sentence.endswith("but the interval of its lead over staleness includes 0.")
    assert policy_gains.gains(sweep.panels) == []
    assert "no policy that asks at random" in policy_verdicts.missing(sweep, [])


def test_realised_frequencies_are_judged_by_their_standard_error(sweep: SweepRecords) -> None:
    found = calibration.calibration(sweep)
    assert len(found) == len(SERIES) * 6
    unreached = found[~found["reached"]]
    assert unreached[["series", "wanted"]].values.tolist() == [["consistency", 0.8]]
    row = found[(found["series"] == "random") & (found["wanted"] == 0.3)].iloc[0]
    ids = sweep.settings.query("series == 'random' and target == 0.3")["ids"].iloc[0]
    users: dict[int, list[bool]] = {}
    for point in ids:
        frame = pd.read_parquet(sweep.directory / "points" / point / "interactions.parquet")
        for user, part in frame.groupby("user"):
            users.setdefault(int(user), []).extend(part["requested"])
    rate = sum(map(sum, users.values())) / sum(map(len, users.values()))
    assert row["realised"] == pytest.approx(rate)
    squares = sum((sum(asked) - rate * len(asked)) ** 2 for asked in users.values())
    total = sum(map(len, users.values()))
    n = len(users)
    assert row["error"] == pytest.approx(math.sqrt(squares * n / (n - 1)) / total)


def test_few_series_are_in_colour_and_each_has_its_own_look() -> None:
    kinds = {"consistency": "consistency", "random": "random", "learned": "learned"}
    kinds |= {f"consistency ({measure})": "consistency" for measure in ("kendall", "top overlap")}
    styles = theme.styles_of_policies(kinds)
    assert len({(style.role, style.marker, style.dash) for style in styles.values()}) == len(kinds)
    assert styles["consistency (kendall)"].role == styles["consistency"].role
    assert styles["consistency"] == theme.POLICIES["consistency"]


def test_what_must_be_beaten_is_always_in_colour(tmp_path: Path) -> None:
    many = {name: Series(name, bend=0.3) for name in "abcdefgh"}
    series = {"random": Series("random"), "periodic": Series("periodic", 1.5), **many}
    sweep = sweep_records.read(write_shootout(tmp_path, series, targets=(0.2, 0.4), seeds=1))
    chosen = emphasis.emphasised(sweep)
    assert len(chosen) == emphasis.MOST
    assert chosen[-2:] == ["random", "periodic"]


def gain(series: str, value: float, half: float, facet: str = "") -> Gain:
    """A gain over random with an interval so wide to either side."""
    over_random = Estimate(value, value - half, value + half)
    return Gain(facet, series, False, 0.05, 0.8, over_random, None, None, None, None)


def test_a_gain_that_is_shown_is_told_though_another_may_be_greater() -> None:
    (told,) = policy_verdicts.gained([gain("wild", 0.02, 0.03), gain("calm", 0.01, 0.005)], "mrr")
    assert told.startswith("Averaged over request frequencies from 5% to 80%, calm is +0.0100")
    assert told.endswith("Not told apart from random: wild.")
    (told,) = policy_verdicts.gained([gain("wild", 0.02, 0.03)], "mrr")
    assert "no policy is shown to beat random. Not told apart from random: wild." in told


def test_in_each_facet_the_greatest_gain_that_is_shown_is_told() -> None:
    gains = [gain("wild", 0.02, 0.03, "3g"), gain("calm", 0.01, 0.005, "3g")]
    (told,) = policy_verdicts.gained([*gains, gain("wild", 0.02, 0.03, "wifi")], "mrr")
    assert "calm with 3g (+0.0100" in told
    assert "wild" not in told


def test_the_best_is_named_with_what_its_intervals_say(sweep: SweepRecords) -> None:
    """And in words that the adjusted tests of pairs do not use: those can say otherwise."""
    contests = [c for c in policy_contest.contests(sweep) if c.winner]
    for sentence in policy_verdicts.winners(contests, "ndcg@10"):
        assert "the interval of its lead is above 0 over each of the 3 others" in sentence
        assert "told apart" not in sentence


def test_bounds_are_named_so_in_every_table_of_gains(sweep: SweepRecords) -> None:
    gains = policy_gains.gains(sweep.panels)
    for table in (policy_tables.over_random(gains), policy_tables.by_metric(sweep)):
        assert table.rows[-1][0].text == "hindsight (bound)"


def test_what_was_met_all_the_same_is_not_called_out_of_reach(tmp_path: Path) -> None:
    series = {"random": Series("random"), "coarse": Series("coarse", highest=0.29)}
    sweep = sweep_records.read(write_shootout(tmp_path, series, targets=(0.3, 0.5), seeds=1))
    found = calibration.calibration(sweep).set_index(["series", "wanted"])
    assert not found.loc[("coarse", 0.3), "reached"]
    assert found["missed"].tolist() == [False, True, False, False]
    drawing = calibration_figure.draw(sweep)
    assert drawing is not None
    assert "Circled: coarse at 50% could not be reached" in drawing.caption
