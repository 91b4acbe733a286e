import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.sessions import sessions
from workloads.splits import split
from workloads.workload_settings import (
    BurstStart,
    LoggedThinkTime,
    LognormalThinkTime,
    SpreadStart,
    WorkloadSettings,
)

USERS = 12


def log_of(timed=True, length=30):
    generator = np.random.default_rng(3)
    return InteractionLog.from_columns(
        "small",
        pd.Series(np.repeat(np.arange(USERS), length)).astype(str),
        pd.Series(np.tile(np.arange(length), USERS)).astype(str),
        np.cumsum(generator.integers(0, 40, USERS * length)).astype(float) if timed else None,
        {},
        {},
    )


def drawn(seed=0, timed=True, leaving_per_step=0.0, **settings):
    values = {"replay_steps": 6, "calibration_steps": 2, "min_history": 4, **settings}
    workload = WorkloadSettings(**values)
    log = log_of(timed)
    made = split(log, workload)
    return sessions(log, made, workload, seed, leaving_per_step), log, made


def test_shapes_and_default_number_of_devices():
    made, _, _ = drawn()
    assert made.devices == USERS
    assert made.start_s.shape == (USERS,)
    assert made.think_s.shape == (USERS, 5)
    assert sorted(made.user) == list(range(USERS))


def test_users_are_covered_again_and_again_in_new_orders():
    made, _, _ = drawn(devices=3 * USERS + 5)
    rounds = made.user[: 3 * USERS].reshape(3, USERS)
    assert (np.sort(rounds, axis=1) == np.arange(USERS)).all()
    assert len({tuple(order) for order in rounds}) == 3
    assert len(set(made.user[3 * USERS :])) == 5


def test_more_devices_change_no_draw_of_the_others():
    few, _, _ = drawn(devices=7)
    many, _, _ = drawn(devices=500)
    assert np.array_equal(few.user, many.user[:7])
    assert np.array_equal(few.start_s, many.start_s[:7])
    assert np.array_equal(few.think_s, many.think_s[:7])


def test_more_steps_change_no_draw_of_the_others():
    short, _, _ = drawn(replay_steps=6)
    long, _, _ = drawn(replay_steps=15)
    assert np.array_equal(short.user, long.user)
    assert np.array_equal(short.start_s, long.start_s)
    assert np.array_equal(short.think_s, long.think_s[:, :5])


def test_the_seed_changes_everything():
    one, _, _ = drawn(seed=1)
    two, _, _ = drawn(seed=2)
    assert not np.array_equal(one.user, two.user)
    assert not np.intersect1d(one.start_s, two.start_s).size
    assert not np.intersect1d(one.think_s, two.think_s).size


def test_one_step_needs_no_think_time():
    assert drawn(replay_steps=1)[0].think_s.shape == (USERS, 0)


def test_think_times_are_lognormal_and_capped():
    think_time = LognormalThinkTime(median_s=20, sigma=1, cap_s=60)
    think_s = drawn(devices=4000, think_time=think_time)[0].think_s.ravel()
    assert think_s.max() == 60
    capped = np.mean(think_s == 60)
    assert capped == pytest.approx(stats.norm.sf(np.log(3)), abs=0.01)
    free = np.sort(np.log(think_s[think_s < 60] / 20))
    truncated = stats.truncnorm(-np.inf, np.log(3))
    assert stats.kstest(free, truncated.cdf).pvalue > 1e-3


def test_without_spread_in_think_time_everybody_takes_the_median():
    assert set(drawn(think_time=LognormalThinkTime(sigma=0))[0].think_s.ravel()) == {20.0}


def test_starts_are_uniform_over_the_spread():
    start_s = drawn(devices=4000, start_spread_s=300.0)[0].start_s
    assert stats.kstest(start_s / 300, "uniform").pvalue > 1e-3
    assert not drawn(start_spread_s=0.0)[0].start_s.any()


def test_logged_think_times_are_the_gaps_of_the_replay_clipped():
    made, log, made_split = drawn(devices=30, think_time=LoggedThinkTime(floor_s=5, cap_s=30))
    for device, position in enumerate(made.user):
        user = made_split.device_users[position]
        start = made_split.replay_start[user]
        times_s = log.history_times_s(user)
        expected = [
            min(max(times_s[start + step + 1] - times_s[start + step], 5), 30) for step in range(5)
        ]
        assert made.think_s[device].tolist() == expected
    assert {5, 30} <= set(made.think_s.ravel())


def test_logged_think_times_need_times():
    with pytest.raises(WorkloadError, match="no logged times") as caught:
        drawn(timed=False, think_time=LoggedThinkTime())
    assert caught.value.key == "workload.think_time"


def test_sessions_cannot_be_changed():
    made, _, _ = drawn()
    with pytest.raises(ValueError, match="read-only"):
        made.think_s[0, 0] = 1


def test_a_spread_start_is_what_start_spread_s_means():
    given = drawn(devices=50, start_spread_s=300.0)[0].start_s
    np.testing.assert_array_equal(
        drawn(devices=50, start=SpreadStart(spread_s=300.0))[0].start_s, given
    )


def test_a_share_of_the_devices_starts_at_one_time_of_its_own_clock():
    burst = BurstStart(at_s=1000.0, share=0.7, clock_skew_s=2.0, spread_s=500.0)
    start_s = drawn(devices=4000, start=burst)[0].start_s
    together = start_s > 900
    assert together.mean() == pytest.approx(0.7, abs=0.03)
    assert stats.kstest((start_s[together] - 1000) / 2, "norm").pvalue > 1e-3
    assert stats.kstest(start_s[~together] / 500, "uniform").pvalue > 1e-3
    # Those that do not take part start as they would without a burst.
    spread_s = drawn(devices=4000, start_spread_s=500.0)[0].start_s
    np.testing.assert_array_equal(start_s[~together], spread_s[~together])


def test_clocks_that_agree_start_together_and_none_starts_before_the_beginning():
    assert set(drawn(devices=40, start=BurstStart(at_s=70.0))[0].start_s) == {70.0}
    early = drawn(devices=4000, start=BurstStart(at_s=1.0, clock_skew_s=1.0))[0].start_s
    assert early.min() == 0.0
    assert np.mean(early == 0) == pytest.approx(stats.norm.cdf(-1), abs=0.02)


def test_more_devices_change_no_start_of_the_others_in_a_burst():
    burst = BurstStart(at_s=100.0, share=0.5, clock_skew_s=5.0)
    few, many = (drawn(devices=devices, start=burst)[0].start_s for devices in (7, 500))
    np.testing.assert_array_equal(few, many[:7])


def test_users_live_through_the_whole_window_where_nobody_leaves():
    assert set(drawn(devices=50)[0].steps) == {6}


def test_after_each_step_the_same_share_of_those_who_are_left_leaves():
    steps = drawn(devices=20_000, leaving_per_step=0.25)[0].steps
    assert set(steps) == set(range(1, 7))
    for step in range(1, 6):
        left = (steps[steps >= step] == step).mean()
        assert left == pytest.approx(0.25, abs=0.02)


def test_who_leaves_when_depends_on_nobody_else_and_not_on_the_window():
    few = drawn(devices=7, leaving_per_step=0.2)[0].steps
    many = drawn(devices=500, leaving_per_step=0.2, replay_steps=15)[0].steps
    np.testing.assert_array_equal(few, np.minimum(many[:7], 6))
