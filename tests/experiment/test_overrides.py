"""The machinery of overrides and errors, on settings of its own."""

from typing import ClassVar, Literal

import pytest
from pydantic import Field, model_validator

from experiment.overrides import Override, apply, parse
from experiment.scenario_error import ScenarioError
from workloads.registry import choice_of
from workloads.settings import Settings, invalid


class Fixed(Settings):
    kind: Literal["fixed"] = "fixed"
    seconds: float = Field(default=0.0, ge=0)


class Table(Settings):
    # A key that is called as a kind, to confuse the search for the error's place.
    kind: Literal["table"] = "table"
    table: tuple[float, ...] = (1.0,)
    shape: Literal["step", "line"] = "step"


class Nested(Settings):
    kind: Literal["nested"] = "nested"
    inner: choice_of((Fixed, Table), "fixed") = Field(default={}, validate_default=True)


class Cloud(Settings):
    replicas: int = Field(default=1, ge=1)
    devices_per_replica: int | None = Field(default=None, ge=1)
    devices: int | Literal["all"] = "all"

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("replicas", "devices_per_replica"),)


class Range(Settings):
    low: float = 0.0
    high: float = 1.0

    @model_validator(mode="after")
    def _ordered(self):
        if self.low > self.high:
            raise invalid(f"is {self.high}; must be at least low", "high")
        return self


class Whole(Settings):
    time: choice_of((Fixed, Table, Nested), "fixed") = Field(default={}, validate_default=True)
    cloud: Cloud = Cloud()
    range: Range = Range()
    weights: dict[str, float] = Field(default={})


def overridden(values, *texts):
    return apply(values, [parse(text, "f.yaml") for text in texts], Whole, "f.yaml")


def refused(values, *texts):
    with pytest.raises(ScenarioError) as caught:
        overridden(values, *texts)
    assert caught.value.source == "f.yaml"
    assert "\n" not in str(caught.value)
    return caught.value


def test_values_are_read_as_yaml():
    assert parse("a.b=[1, 2e-3]", "f") == Override(("a", "b"), [1, 0.002])
    assert parse("a={b: c}", "f") == Override(("a",), {"b": "c"})
    assert parse("a=b=c", "f") == Override(("a",), "b=c")


@pytest.mark.parametrize("text", ["a", "=1", "a..b=1", "a.=1"])
def test_what_is_no_key_and_value_is_refused(text):
    with pytest.raises(ScenarioError, match=r"key\.path=value"):
        parse(text, "f")


def test_an_override_takes_the_place_of_a_value_and_leaves_the_original_alone():
    values = {"time": {"kind": "fixed", "seconds": 1}}
    result = overridden(values, "time.seconds=2.5", "cloud.replicas=3")
    assert result.settings.time == Fixed(seconds=2.5)
    assert result.settings.cloud.replicas == 3
    assert result.dropped_keys == ()
    assert values == {"time": {"kind": "fixed", "seconds": 1}}


def test_the_last_override_wins():
    assert overridden({}, "cloud.replicas=3", "cloud.replicas=4").settings.cloud.replicas == 4


def test_a_list_is_taken_for_a_tuple():
    result = overridden({}, "time={kind: table, table: [1, 2]}")
    assert result.settings.time == Table(table=(1.0, 2.0))


def test_a_new_kind_drops_the_keys_that_it_does_not_know():
    values = {"time": {"kind": "table", "table": [1.0], "shape": "line"}}
    result = overridden(values, "time.kind=fixed", "time.seconds=2")
    assert result.settings.time == Fixed(seconds=2.0)
    assert result.dropped_keys == ("time.table", "time.shape")
    assert result.values["time"] == {"kind": "fixed", "seconds": 2}


def test_a_new_kind_in_a_nested_section_drops_keys_there():
    values = {"time": {"kind": "nested", "inner": {"kind": "fixed", "seconds": 3}}}
    assert overridden(values, "time.inner.kind=table").dropped_keys == ("time.inner.seconds",)
    assert overridden(values, "time.kind=fixed").dropped_keys == ("time.inner",)


def test_the_same_kind_drops_nothing():
    error = refused({"time": {"kind": "fixed", "second": 3}}, "time.kind=fixed")
    assert error.key == "time.second"


def test_keys_of_the_old_kind_are_errors_when_they_are_overridden_too():
    error = refused({"time": {"kind": "table"}}, "time.kind=fixed", "time.shape=line")
    assert error.key == "time.shape"
    assert "--set" in error.message


def test_keys_of_another_kind_are_errors_in_the_file():
    error = refused({"time": {"kind": "fixed", "shape": "line"}})
    assert error.key == "time.shape"
    assert "accepted: kind, seconds" in error.message


def test_an_exclusive_key_drops_the_other():
    result = overridden({"cloud": {"replicas": 3}}, "cloud.devices_per_replica=100")
    assert result.dropped_keys == ("cloud.replicas",)
    assert result.settings.cloud.devices_per_replica == 100


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ({"cloud": {"replicas": 3, "devices_per_replica": 4}}, ()),
        ({"cloud": {"replicas": 3, "devices_per_replica": 4}}, ("cloud.devices=3",)),
        ({}, ("cloud.replicas=3", "cloud.devices_per_replica=4")),
    ],
)
def test_both_of_two_exclusive_keys_are_an_error(values, texts):
    error = refused(values, *texts)
    assert error.key == "cloud"
    assert "replicas and devices_per_replica exclude each other" in error.message


def test_null_is_as_good_as_leaving_an_exclusive_key_out():
    values = {"cloud": {"replicas": 3, "devices_per_replica": None}}
    assert overridden(values).settings.cloud.replicas == 3


@pytest.mark.parametrize(
    "cloud", [Cloud(replicas=3), Cloud(devices_per_replica=4), Cloud(), Cloud(devices=5)]
)
def test_settings_with_exclusive_keys_can_be_written_and_read_again(cloud):
    assert Cloud.model_validate(cloud.model_dump()) == cloud


@pytest.mark.parametrize(
    ("values", "key", "message"),
    [
        ({"tim": {}}, "tim", "unknown key; did you mean time? accepted: time, cloud"),
        ({"cloud": {"replica": 1}}, "cloud.replica", "did you mean replicas?"),
        ({"cloud": None}, "cloud", "is null; leave it out for its default"),
        ({"time": None}, "time", "is null; leave it out for its default"),
        ({"cloud": 3}, "cloud", "is 3; must be a mapping"),
        ({"cloud": [1]}, "cloud", "is a list; must be a mapping"),
        ({"cloud": {"replicas": 0}}, "cloud.replicas", "is 0; must be a whole number of at least"),
        ({"cloud": {"replicas": 1.5}}, "cloud.replicas", "is 1.5; must be a whole number"),
        ({"cloud": {"replicas": "2"}}, "cloud.replicas", "is '2'; must be a whole number"),
        ({"cloud": {"replicas": True}}, "cloud.replicas", "is true; must be a whole number"),
        ({"cloud": {"devices": "al"}}, "cloud.devices", "must be a whole number or 'all'"),
        ({"time": {"kind": "fixt"}}, "time.kind", "unknown kind 'fixt'; did you mean fixed?"),
        ({"time": {"kind": 3}}, "time.kind", "accepted: fixed, nested, table"),
        ({"time": "fixed"}, "time", "must be a mapping with kind: fixed, nested or table"),
        ({"time": {"seconds": -1}}, "time.seconds", "is -1; must be a number of at least 0"),
        ({"time": {"kind": "table", "table": 3}}, "time.table", "is 3; must be a list of values"),
        ({"time": {"kind": "table", "table": ["x"]}}, "time.table.0", "is 'x'; must be a number"),
        ({"time": {"kind": "table", "shape": "lin"}}, "time.shape", "did you mean line?"),
        ({"time": {"kind": "nested", "inner": {"s": 1}}}, "time.inner.s", "unknown key"),
        ({"range": {"low": 3}}, "range.high", "is 1.0; must be at least low"),
        ({"weights": {"a": "x"}}, "weights.a", "is 'x'; must be a number"),
    ],
)
def test_errors_name_the_key_and_say_what_is_accepted(values, key, message):
    error = refused(values)
    assert error.key == key
    assert message in error.message


def test_the_first_error_in_the_file_is_named_and_the_others_counted():
    error = refused({"cloud": {"devices": "x", "replicas": 0}, "time": {"second": 1}})
    assert error.key == "cloud.devices"
    assert error.message.endswith("(and 2 more errors)")
    error = refused({"time": {"second": 1}, "cloud": {"replicas": 0}})
    assert error.key == "time.second"
    assert error.message.endswith("(and 1 more error)")


def test_an_override_below_what_is_no_section_is_refused():
    error = refused({"cloud": {"devices": "all"}}, "cloud.devices.x=1")
    assert error.key == "cloud.devices.x"
    assert "cloud.devices is no mapping" in error.message
