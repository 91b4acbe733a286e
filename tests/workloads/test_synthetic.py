import numpy as np
import pytest
from scipy import stats

from workloads.synthetic.generator import EPOCH_S, generate
from workloads.synthetic.settings import SyntheticSettings


def small(**changes):
    values = {
        "users": 40,
        "items": 120,
        "categories": 6,
        "length_min": 10,
        "length_median": 20,
        "length_max": 40,
        **changes,
    }
    return SyntheticSettings(**values)


def fixed_length(length, **changes):
    return small(length_min=length, length_median=length, length_max=length, **changes)


def categories_of(log):
    """The category of every interaction as a number: shape [users, length] of equal lengths."""
    names = [attributes[0] for attributes in log.catalogue.attributes]
    _, category = np.unique(names, return_inverse=True)
    return category, category[log.items].reshape(log.users, -1)


@pytest.fixture(scope="module")
def default_log():
    return generate(SyntheticSettings(), 0)


def test_the_same_seed_gives_the_same_log_and_another_does_not():
    assert generate(small(), 1).content_hash == generate(small(), 1).content_hash
    assert generate(small(), 1).content_hash != generate(small(), 2).content_hash


def test_more_users_change_nothing_of_the_others():
    few, many = generate(small(users=15), 3), generate(small(users=60), 3)
    assert few.catalogue == many.catalogue
    for user in range(15):
        assert np.array_equal(few.history(user), many.history(user))
        assert np.array_equal(few.history_times_s(user), many.history_times_s(user))


def test_longer_logs_begin_as_the_shorter_ones():
    short, long = generate(fixed_length(10), 3), generate(fixed_length(30), 3)
    for user in range(short.users):
        assert np.array_equal(short.history(user), long.history(user)[:10])
        assert np.array_equal(short.history_times_s(user), long.history_times_s(user)[:10])


def test_nobody_takes_an_item_twice(default_log):
    for user in range(default_log.users):
        assert len(set(default_log.history(user).tolist())) == default_log.lengths[user]


def test_a_user_can_take_every_item_there_is():
    log = generate(fixed_length(30, items=30, drift_rate=0.5), 0)
    assert all(sorted(log.history(user)) == list(range(30)) for user in range(log.users))


def test_drift_with_no_other_category_left_changes_tastes_only():
    log = generate(small(categories=2, interests_per_user=2, drift_rate=1.0), 0)
    assert log.interactions == log.lengths.sum()


def test_times_are_whole_seconds_that_increase(default_log):
    assert (default_log.times_s == np.rint(default_log.times_s)).all()
    assert default_log.times_s.min() >= EPOCH_S
    assert all(
        (np.diff(default_log.history_times_s(user)) >= 1).all() for user in range(default_log.users)
    )


def test_default_sizes(default_log):
    assert default_log.users == 2000
    assert 2000 <= len(default_log.catalogue) <= 3000
    assert 60 <= default_log.lengths.min() < 65
    assert 85 <= np.median(default_log.lengths) <= 95
    assert default_log.lengths.max() <= 300


def test_titles_are_readable_and_distinct(default_log):
    titles = default_log.catalogue.titles
    assert len(set(titles)) == len(titles)
    assert all(title.replace(" ", "").isalpha() and title.istitle() for title in titles)


def test_names_do_not_run_out():
    log = generate(small(users=1, items=20_000, categories=100), 0)
    assert len(set(log.catalogue.titles)) == 20_000
    assert len(set(log.catalogue.attributes)) == 100


def test_the_default_log_has_the_shape_that_its_settings_claim(default_log):
    counts = np.sort(np.bincount(default_log.items, minlength=len(default_log.catalogue)))[::-1]
    assert counts[: len(counts) // 10].sum() / counts.sum() == pytest.approx(0.39, abs=0.02)
    middle = np.arange(20, len(counts) // 3)
    slope = stats.linregress(np.log(middle + 1), np.log(counts[middle])).slope
    assert slope == pytest.approx(-0.63, abs=0.04)


def test_the_default_log_is_as_hard_to_predict_as_its_settings_claim(default_log):
    """Of the last interaction of each user: ten by popularity, and ten by item neighbours."""
    log = default_log
    taken = np.zeros((log.users, len(log.catalogue)), np.float32)
    taken[np.repeat(np.arange(log.users), log.lengths), log.items] = 1
    last = log.items[log.offsets[1:] - 1]
    everyone = np.arange(log.users)
    taken[everyone, last] = 0
    popularity = taken.sum(axis=0)
    cosine = taken.T @ taken / np.sqrt(np.outer(popularity, popularity))
    recent = log.items[(log.offsets[1:] - 1)[:, None] - np.arange(1, 6)]
    scores = {
        "popularity": np.tile(popularity, (log.users, 1)),
        "neighbours": np.stack([cosine[items].sum(axis=0) for items in recent]),
    }
    hit_rate = {}
    for name, score in scores.items():
        score[taken > 0] = -1
        rank = np.sum(score > score[everyone, last][:, None], axis=1)
        hit_rate[name] = np.mean(rank < 10)
    assert hit_rate["popularity"] == pytest.approx(0.05, abs=0.015)
    assert hit_rate["neighbours"] == pytest.approx(0.13, abs=0.02)


@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.1])
def test_appeal_follows_zipf(exponent):
    # One interaction by appeal alone: nothing but the law is left.
    settings = fixed_length(
        1, users=40_000, items=40, categories=4, exploration=1.0, zipf_exponent=exponent
    )
    counts = np.bincount(generate(settings, 0).items, minlength=40)
    expected = np.arange(1, 41.0) ** -exponent
    expected *= counts.sum() / expected.sum()
    # Sorting hides which item has which rank and only lowers the statistic.
    assert stats.chisquare(np.sort(counts)[::-1], expected).pvalue > 1e-3
    if exponent:
        assert stats.chisquare(counts).pvalue < 1e-9


@pytest.mark.parametrize("stickiness", [0.0, 0.6, 1.0])
def test_stickiness_is_the_share_that_stays(stickiness):
    settings = fixed_length(
        15,
        users=2000,
        items=3000,
        zipf_exponent=0.0,
        drift_rate=0.0,
        exploration=0.0,
        stickiness=stickiness,
    )
    _, category = categories_of(generate(settings, 0))
    stayed = np.mean(category[:, 1:] == category[:, :-1])
    # Weights of 3 interests uniform on the simplex: the sum of squares is 2 / (3 + 1) on average.
    assert stayed == pytest.approx(stickiness + (1 - stickiness) / 2, abs=0.015)


@pytest.mark.parametrize("drift_rate", [0.0, 0.05, 0.5])
def test_drift_is_the_rate_at_which_an_interest_changes(drift_rate):
    settings = fixed_length(
        15,
        users=2000,
        items=3000,
        zipf_exponent=0.0,
        exploration=0.0,
        interests_per_user=1,
        drift_rate=drift_rate,
    )
    _, category = categories_of(generate(settings, 0))
    changed = category[:, 1:] != category[:, :-1]
    deviation = np.sqrt(drift_rate * (1 - drift_rate) / changed.size)
    assert abs(changed.mean() - drift_rate) <= 4 * deviation


def test_with_drift_the_distant_past_tells_less():
    settings = fixed_length(30, users=1500, items=3000, drift_rate=0.1, exploration=0.0)
    _, category = categories_of(generate(settings, 0))
    agreement = [np.mean(category[:, lag:] == category[:, : 30 - lag]) for lag in (1, 5, 15)]
    assert agreement[0] > agreement[1] + 0.1 > agreement[2] + 0.15


def test_exploration_is_the_share_outside_the_interests():
    settings = fixed_length(
        15,
        users=2000,
        items=3000,
        zipf_exponent=0.0,
        drift_rate=0.0,
        interests_per_user=1,
        exploration=0.3,
    )
    category_of_item, category = categories_of(generate(settings, 0))
    main = np.array([np.bincount(row).argmax() for row in category])
    share = np.bincount(category_of_item) / len(category_of_item)
    expected = 0.3 * np.mean(1 - share[main])
    assert np.mean(category != main[:, None]) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("taste_strength", "tells_apart"), [(0.0, False), (1.0, True)])
def test_taste_makes_some_items_go_together(taste_strength, tells_apart):
    settings = fixed_length(
        2,
        users=20_000,
        items=20,
        categories=1,
        interests_per_user=1,
        zipf_exponent=0.0,
        drift_rate=0.0,
        exploration=0.0,
        taste_strength=taste_strength,
    )
    log = generate(settings, 0)
    low, high = np.sort(log.items.reshape(-1, 2), axis=1).T
    together = np.bincount(low * 20 + high, minlength=400).reshape(20, 20)
    p_value = stats.chisquare(together[np.triu_indices(20, 1)]).pvalue
    assert p_value < 1e-9 if tells_apart else p_value > 1e-3


def test_sittings_and_pauses():
    settings = fixed_length(40, users=1000, gap_sigma=0.0, pause_sigma=0.0, session_length_mean=8.0)
    log = generate(settings, 0)
    gaps_s = np.diff(log.times_s.reshape(1000, 40), axis=1)
    assert set(gaps_s.ravel()) == {30.0, 86_400.0}
    assert np.mean(gaps_s > 30) == pytest.approx(1 / 8, abs=0.01)
    arrival = (log.times_s.reshape(1000, 40)[:, 0] - EPOCH_S) / settings.arrival_spread_s
    assert stats.kstest(arrival, "uniform").pvalue > 1e-3
