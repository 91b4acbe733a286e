import numpy as np
import pandas as pd
import pytest

from workloads.interaction_log import InteractionLog


def log_of(users, items, times_s=None, titles=None, attributes=None):
    times = None if times_s is None else np.array(times_s, float)
    return InteractionLog.from_columns(
        "small",
        pd.Series(users, dtype=str),
        pd.Series(items, dtype=str),
        times,
        titles or {},
        attributes or {},
    )


def test_whole_number_keys_are_ordered_as_numbers():
    log = log_of(["10", "9", "9"], ["100", "20", "3"])
    assert log.user_keys == ("9", "10")
    assert log.catalogue.keys == ("3", "20", "100")
    assert log.history(0).tolist() == [1, 0]
    assert log.history(1).tolist() == [2]


def test_other_keys_are_ordered_as_text():
    log = log_of(["b", "10", "9"], ["x", "10", "9"])
    assert log.user_keys == ("10", "9", "b")
    assert log.catalogue.keys == ("10", "9", "x")


def test_interactions_are_ordered_by_time_and_equal_times_keep_file_order():
    log = log_of(["1"] * 5, ["5", "4", "3", "2", "1"], [7, 3, 7, 3, 1])
    taken = [log.catalogue.keys[item] for item in log.history(0)]
    assert taken == ["1", "4", "2", "5", "3"]
    assert log.history_times_s(0).tolist() == [1, 3, 3, 7, 7]


def test_users_stay_together_whatever_their_times():
    log = log_of(["2", "1", "2", "1"], ["5", "6", "7", "8"], [1, 4, 3, 2])
    assert [log.history_times_s(user).tolist() for user in (0, 1)] == [[2, 4], [1, 3]]
    assert log.offsets.tolist() == [0, 2, 4]


def test_without_times_file_order_is_kept_and_repetitions_stay():
    log = log_of(["1", "2", "1", "1"], ["8", "8", "7", "8"])
    assert log.history(0).tolist() == [1, 0, 1]
    assert log.history_times_s(0) is None
    assert (log.users, log.interactions, log.lengths.tolist()) == (2, 4, [3, 1])


def test_titles_fall_back_to_keys_and_attributes_to_none():
    log = log_of(["1", "1"], ["7", "8"], titles={"7": "Seven", "8": ""}, attributes={"8": ("x",)})
    assert log.catalogue.titles == ("Seven", "8")
    assert log.catalogue.attributes == ((), ("x",))


def test_columns_cannot_be_changed():
    log = log_of(["1"], ["7"], [0])
    for column in (log.offsets, log.items, log.times_s):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_content_hash_follows_the_content_and_not_the_name():
    base = log_of(["1", "1"], ["7", "8"], [1, 2])
    assert base.content_hash == log_of(["1", "1"], ["8", "7"], [2, 1]).content_hash
    assert base.content_hash != log_of(["1", "1"], ["8", "7"], [1, 2]).content_hash
    assert base.content_hash != log_of(["1", "1"], ["7", "8"], [1, 3]).content_hash
    assert base.content_hash != log_of(["1", "1"], ["7", "8"], [1, 2], {"7": "x"}).content_hash
    assert base.content_hash != log_of(["1", "1"], ["7", "8"]).content_hash
