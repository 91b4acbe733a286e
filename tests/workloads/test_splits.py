import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads import datasets
from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.splits import split
from workloads.workload_settings import GlobalTimeSplit, WorkloadSettings


def log_of(times_by_user, timed=True):
    """A log in which user u takes items 0, 1, 2, ... at the given times."""
    users = np.repeat(np.arange(len(times_by_user)), [len(times) for times in times_by_user])
    items = np.concatenate([np.arange(len(times)) for times in times_by_user])
    return InteractionLog.from_columns(
        "small",
        pd.Series(users).astype(str),
        pd.Series(items).astype(str),
        np.concatenate(times_by_user).astype(float) if timed else None,
        {},
        {},
    )


def settings_of(replay_steps, calibration_steps, min_history, kind="per_user", **cuts):
    return WorkloadSettings.model_validate(
        {
            "split": {"kind": kind, **cuts},
            "replay_steps": replay_steps,
            "calibration_steps": calibration_steps,
            "min_history": min_history,
        }
    )


def test_per_user_by_hand():
    log = log_of([range(10), range(6), range(7)], timed=False)
    made = split(log, settings_of(replay_steps=3, calibration_steps=2, min_history=4))
    assert made.device_users.tolist() == [0, 2]
    assert made.train_stop.tolist() == [5, 6, 2]
    assert made.calibration_start.tolist() == [5, 6, 2]
    assert made.replay_start.tolist() == [7, 6, 4]
    assert (made.kind, made.replay_steps) == ("per_user", 3)


def test_global_time_by_hand():
    # Times 0..19 in all: training ends before 10, replays start at 15.
    log = log_of(
        [
            [0, 1, 2, 3, 11, 12, 13, 15, 16, 17],  # a device with three to calibrate on, two wanted
            [4, 5, 6, 18, 19],  # too few replayed with three steps
            [7, 8, 9, 10, 14],  # nothing at all to replay
        ]
    )
    cuts = {"train_fraction": 0.5, "calibration_fraction": 0.25}
    made = split(log, settings_of(3, 2, 4, "global_time", **cuts))
    assert made.device_users.tolist() == [0]
    assert made.train_stop.tolist() == [4, 3, 3]
    assert made.calibration_start.tolist() == [5, 3, 3]
    assert made.replay_start.tolist() == [7, 3, 3]


def test_global_time_calibrates_on_fewer_where_there_are_fewer():
    log = log_of([[0, 1, 2, 3, 4, 5, 6, 10, 15, 16], range(10)])
    cuts = {"train_fraction": 0.75, "calibration_fraction": 0.15}
    made = split(log, settings_of(2, 5, 6, "global_time", **cuts))
    assert made.replay_start[0] - made.calibration_start[0] == 1


@st.composite
def logs_and_settings(draw):
    lengths = draw(st.lists(st.integers(1, 25), min_size=1, max_size=12))
    times = [
        sorted(draw(st.lists(st.integers(0, 60), min_size=length, max_size=length)))
        for length in lengths
    ]
    calibration_steps = draw(st.integers(1, 5))
    settings = {
        "replay_steps": draw(st.integers(1, 6)),
        "calibration_steps": calibration_steps,
        "min_history": draw(st.integers(calibration_steps + 1, 9)),
    }
    return log_of(times), settings


def split_or_none(log, settings):
    try:
        return split(log, settings)
    except WorkloadError:
        return None


def spans(log, made):
    """For each user: times of train, calibration and replay."""
    for user in range(log.users):
        times_s = log.history_times_s(user)
        start = made.replay_start[user]
        replayed = made.replay_steps if user in made.device_users else 0
        yield (
            user,
            times_s[: made.train_stop[user]],
            times_s[made.calibration_start[user] : start],
            times_s[start : start + replayed],
        )


def check_common(log, settings, made):
    assert made.device_users.tolist() == sorted(set(made.device_users.tolist()))
    for user, train, calibration, replay in spans(log, made):
        # Disjoint and in order: nothing of the device's own replay trains or calibrates.
        assert 0 <= made.train_stop[user] <= made.calibration_start[user] <= made.replay_start[user]
        if user in made.device_users:
            assert len(replay) == settings.replay_steps
            assert made.replay_start[user] >= settings.min_history
            assert made.calibration_start[user] >= 1  # a first interaction has no history
            assert len(calibration) <= settings.calibration_steps
        else:
            assert len(calibration) == 0
        assert len(train) <= log.lengths[user]


@given(logs_and_settings())
def test_per_user_keeps_each_replay_out_of_training_and_calibration(drawn):
    log, values = drawn
    settings = WorkloadSettings(**values)
    made = split_or_none(log, settings)
    eligible = log.lengths >= settings.min_history + settings.replay_steps
    if made is None:
        assert not eligible.any()
        return
    check_common(log, settings, made)
    assert made.device_users.tolist() == np.flatnonzero(eligible).tolist()
    for user, train, calibration, replay in spans(log, made):
        if user in made.device_users:
            assert len(train) + len(calibration) + len(replay) == log.lengths[user]
            assert len(calibration) == settings.calibration_steps
        else:
            assert len(train) == log.lengths[user]


@given(
    logs_and_settings(),
    st.sampled_from([(0.3, 0.2), (0.5, 0.25), (0.6, 0.3), (0.8, 0.1)]),
)
def test_global_time_lets_nothing_later_than_its_cuts_through(drawn, fractions):
    log, values = drawn
    cuts = GlobalTimeSplit(train_fraction=fractions[0], calibration_fraction=fractions[1])
    settings = WorkloadSettings(split=cuts, **values)
    made = split_or_none(log, settings)
    if made is None:
        return
    check_common(log, settings, made)
    trained, calibrated, replayed = (
        np.concatenate(parts) for parts in list(zip(*spans(log, made), strict=True))[1:]
    )
    ordered = np.sort(log.times_s)
    # A cut lies where at least the asked share of the interactions is at or before it.
    calibration_cut_s = ordered[int(np.ceil(fractions[0] * (len(ordered) - 1) - 1e-9))]
    replay_cut_s = ordered[int(np.ceil(sum(fractions) * (len(ordered) - 1) - 1e-9))]
    assert (trained < calibration_cut_s).all()
    assert len(trained) == np.sum(log.times_s < calibration_cut_s)
    assert ((calibrated >= calibration_cut_s) & (calibrated < replay_cut_s)).all()
    assert (replayed >= replay_cut_s).all()


def test_no_eligible_user_says_what_to_lower():
    log = log_of([range(10), range(6)])
    with pytest.raises(WorkloadError) as caught:
        split(log, settings_of(replay_steps=4, calibration_steps=2, min_history=8))
    message = str(caught.value)
    assert "8 + 4 = 12" in message
    assert "longest log has 10" in message
    assert "workload.min_history or workload.replay_steps" in message
    assert caught.value.key == "workload.min_history"


def test_no_eligible_user_by_date_says_who_lacks_what():
    log = log_of([range(10), [20, 21, 22], [1, 2, 25]])
    cuts = {"train_fraction": 0.4, "calibration_fraction": 0.3}
    with pytest.raises(WorkloadError) as caught:
        split(log, settings_of(3, 1, 5, "global_time", **cuts))
    message = str(caught.value)
    assert "none of 3 users" in message
    assert "2 have fewer than min_history = 5" in message
    assert "2 fewer than replay_steps = 3" in message


def test_nothing_between_the_cuts_is_an_error():
    log = log_of([[0, 1, 2, 3, 3, 3, 3, 3, 3, 3]])
    cuts = {"train_fraction": 0.5, "calibration_fraction": 0.1}
    with pytest.raises(WorkloadError, match="calibration_fraction"):
        split(log, settings_of(2, 1, 2, "global_time", **cuts))


def test_dates_need_times():
    with pytest.raises(WorkloadError, match="per_user does not") as caught:
        split(log_of([range(10)], timed=False), settings_of(2, 1, 2, "global_time"))
    assert caught.value.key == "workload.split"


def test_the_hash_follows_the_split():
    log = log_of([range(20), range(30)])
    base = split(log, settings_of(3, 2, 4))
    assert base.content_hash == split(log, settings_of(3, 2, 5)).content_hash
    for other in (settings_of(4, 2, 4), settings_of(3, 3, 4), settings_of(3, 2, 20)):
        assert base.content_hash != split(log, other).content_hash


def test_the_description_warns_of_later_data():
    log = log_of([range(20), range(30)])
    assert "later dates" in split(log, settings_of(3, 2, 4)).description
    assert "Nothing that anybody did later" in (
        split(log, settings_of(3, 2, 4, "global_time", train_fraction=0.5)).description
    )


def test_movielens_by_date_has_some_devices(data_dir, tmp_path):
    settings = WorkloadSettings(dataset="ml-100k", split=GlobalTimeSplit())
    log = datasets.load(settings, data_dir, tmp_path)
    made = split(log, settings)
    assert 0 < len(made.device_users) < 100
    check_common(log, settings, made)
