import pytest
from pydantic import TypeAdapter, ValidationError

from workloads.synthetic.settings import SyntheticSettings
from workloads.workload_settings import (
    BurstStart,
    GlobalTimeSplit,
    LoggedThinkTime,
    LognormalThinkTime,
    PerUserSplit,
    SpreadStart,
    WorkloadSettings,
)


def test_defaults_are_a_synthetic_log_replayed_by_every_user():
    settings = WorkloadSettings()
    assert (settings.dataset, settings.devices) == ("synthetic", "all")
    assert (settings.split, settings.think_time) == (PerUserSplit(), LognormalThinkTime())


@pytest.mark.parametrize("given", ["global_time", {"kind": "global_time"}])
def test_a_split_is_a_name_or_a_mapping(given):
    assert WorkloadSettings.model_validate({"split": given}).split == GlobalTimeSplit()


def test_think_time_is_lognormal_unless_it_says_otherwise():
    def read(value):
        return WorkloadSettings.model_validate({"think_time": value}).think_time

    assert read({"median_s": 5}) == LognormalThinkTime(median_s=5)
    assert read({"kind": "logged", "floor_s": 0}) == LoggedThinkTime(floor_s=0)
    assert read("logged") == LoggedThinkTime()


@pytest.mark.parametrize(
    ("given", "where", "what"),
    [
        ({"devices": 0}, "devices", "at least 1, or 'all'"),
        ({"devices": -3}, "devices", "at least 1, or 'all'"),
        ({"devices": 2.5}, "devices", "at least 1, or 'all'"),
        ({"devices": True}, "devices", "at least 1, or 'all'"),
        ({"devices": "every"}, "devices", "at least 1, or 'all'"),
        ({"devices": None}, "devices", "at least 1, or 'all'"),
        ({"dataset": ""}, "dataset", "at least 1 character"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"history": 0}, "history", "greater than or equal to 1"),
        ({"replay_steps": 0}, "replay_steps", "greater than or equal to 1"),
        ({"replay_steps": 2.0}, "replay_steps", "integer"),
        ({"calibration_steps": 0}, "calibration_steps", "greater than or equal to 1"),
        ({"min_history": 5, "calibration_steps": 5}, "", "above calibration_steps (5)"),
        ({"start_spread_s": -1}, "start_spread_s", "greater than or equal to 0"),
        ({"start_spread_s": float("inf")}, "start_spread_s", "finite"),
        ({"start": "burst"}, "start.burst.at_s", "required"),
        ({"start": {"kind": "burst", "at_s": 5, "share": 2}}, "start.burst.share", "less than"),
        ({"start": {"kind": "wave"}}, "start", "'spread', 'burst'"),
        ({"start": "spread", "start_spread_s": 5}, "", "only one of start and start_spread_s"),
        ({"think_time": {"median_s": 0}}, "think_time.lognormal.median_s", "greater than 0"),
        ({"think_time": {"median_s": 9, "cap_s": 8}}, "think_time.lognormal", "at least median_s"),
        (
            {"think_time": {"kind": "logged", "floor_s": 9, "cap_s": 8}},
            "think_time.logged",
            "at least floor_s",
        ),
        ({"think_time": {"kind": "normal"}}, "think_time", "'lognormal', 'logged'"),
        ({"split": "per_item"}, "split", "'per_user', 'global_time'"),
        ({"split": {"kind": "per_user", "train_fraction": 0.5}}, "split.per_user", "Extra"),
        (
            {"split": {"kind": "global_time", "train_fraction": 0.9}},
            "split.global_time",
            "below 1",
        ),
        ({"synthetic": {"users": 0}}, "synthetic.users", "greater than or equal to 1"),
        ({"synthetic": {"length_min": 99}}, "synthetic", "length_min <= length_median"),
        ({"synthetic": {"items": 200}}, "synthetic", "must not exceed items"),
        (
            {"synthetic": {"categories": 400, "length_max": 300, "items": 300}},
            "synthetic",
            "categories must not exceed items",
        ),
        ({"synthetic": {"interests_per_user": 21}}, "synthetic", "not exceed categories"),
        ({"synthetic": {"drift_rate": 1.1}}, "synthetic.drift_rate", "less than or equal to 1"),
        ({"devises": 5}, "devises", "Extra"),
    ],
)
def test_impossible_values_are_refused_where_they_stand(given, where, what):
    with pytest.raises(ValidationError) as caught:
        WorkloadSettings.model_validate(given)
    (error,) = caught.value.errors()
    assert ".".join(str(part) for part in error["loc"]).startswith(where)
    assert what in error["msg"]


def test_every_field_is_documented():
    for settings in (
        WorkloadSettings,
        SyntheticSettings,
        GlobalTimeSplit,
        LognormalThinkTime,
        LoggedThinkTime,
        SpreadStart,
        BurstStart,
    ):
        for name, field in settings.model_fields.items():
            assert name == "kind" or field.description, f"{settings.__name__}.{name}"


def test_settings_survive_a_round_trip_and_have_a_json_schema():
    for start in ({}, {"start_spread_s": 5.0}, {"start": {"kind": "burst", "at_s": 3.0}}):
        settings = WorkloadSettings.model_validate({"split": "global_time", "devices": 7, **start})
        again = WorkloadSettings.model_validate(settings.model_dump())
        assert again.model_dump() == settings.model_dump()
        assert again.starts == settings.starts
    schema = TypeAdapter(WorkloadSettings).json_schema()
    assert "replay_steps" in schema["properties"]
