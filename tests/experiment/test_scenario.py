import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from experiment.scenario import Scenario, dump, from_mapping, json_schema, load
from experiment.scenario_error import ScenarioError
from experiment.yaml_document import read_value


def write(tmp_path, text, name="question.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scenario_may_leave_everything_out_but_a_word(tmp_path):
    loaded = load(write(tmp_path, "description: defaults only\n"))
    assert loaded.scenario.name == "question"
    assert (
        loaded.scenario
        == from_mapping({"name": "question", "description": "defaults only"}, "f").scenario
    )
    assert not loaded.has_sweep


def test_seed_takes_the_place_of_the_scenarios_own(tmp_path):
    path = write(tmp_path, "seed: 3\n")
    assert load(path).scenario.seed == 3
    assert load(path, seed=5).scenario.seed == 5


def test_raw_holds_the_overridden_values_without_the_sweep(tmp_path):
    path = write(tmp_path, "name: x\npolicy: {kind: always}\nsweep: {seed: [1, 2]}\n")
    loaded = load(path, ["workload.devices=10"])
    assert loaded.raw == {
        "name": "x",
        "policy": {"kind": "always"},
        "workload": {"devices": 10},
    }
    assert loaded.sweep.grid == {"seed": (1, 2)}


def test_dropped_keys_are_listed(tmp_path):
    path = write(tmp_path, "policy: {kind: periodic, every: 5}\n")
    loaded = load(path, ["policy.kind=never"])
    assert loaded.dropped_keys == ("policy.every",)
    assert loaded.scenario.policy.kind == "never"


@pytest.mark.parametrize("section", sorted(set(Scenario.model_fields) - {"name", "description"}))
def test_a_section_set_to_null_is_an_error(section):
    with pytest.raises(ScenarioError) as caught:
        from_mapping({section: None}, "f.yaml")
    assert caught.value.key == section
    assert "leave it out" in caught.value.message


@pytest.mark.parametrize("name", ["", "a/b", "../up", ".hidden", "-x", "a\\b", "a\nb"])
def test_a_name_must_be_able_to_name_a_directory(name):
    with pytest.raises(ScenarioError) as caught:
        from_mapping({"name": name}, "f.yaml")
    assert caught.value.key == "name"


def test_a_scenario_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        from_mapping({"name": "x"}, "f").scenario.seed = 3


policies = st.sampled_from(
    [
        {"kind": "never"},
        {"kind": "always"},
        {"kind": "periodic", "every": 3},
        {"kind": "random", "probability": 0.25},
        {"kind": "consistency", "threshold": 1e-5},
    ]
)
networks = st.sampled_from(
    [
        {"preset": "ideal"},
        {"preset": "3g", "rtt_s": 0.5},
        {"down_bps": float("inf"), "up_bps": 1e6, "rtt_s": 0},
    ]
)
clouds = st.sampled_from([{}, {"replicas": 3}, {"devices_per_replica": 1000}])
sweeps = st.sampled_from(
    [
        {},
        {"seed": [1, 2], "seeds": 1},
        {"zip": {"seed": [1, 2], "models.fusion": [1, 3]}},
        {"policy": [{"kind": "never"}, {"kind": "always"}], "zip": [{"seed": [1, 2]}]},
    ]
)
printable = st.text(st.characters(blacklist_categories=["Cs", "Cc"]))


@given(
    description=printable,
    seed=st.integers(0, 2**64),
    devices=st.integers(1, 10**9) | st.just("all"),
    start_spread_s=st.floats(0, 1e300),
    policy=policies,
    network=networks,
    cloud=clouds,
    sweep=sweeps,
)
def test_a_written_scenario_loads_to_an_equal_one(
    description, seed, devices, start_spread_s, policy, network, cloud, sweep
):
    values = {
        "name": "x",
        "description": description,
        "seed": seed,
        "workload": {"devices": devices, "start_spread_s": start_spread_s},
        "policy": policy,
        "network": network,
        "cloud": cloud,
        "sweep": sweep,
    }
    scenario = from_mapping(values, "f.yaml").scenario
    written = dump(scenario)
    again = from_mapping(read_value(written, "g.yaml"), "g.yaml").scenario
    assert again == scenario
    assert dump(again) == written


def test_infinite_bandwidth_survives():
    values = {"network": {"down_bps": float("inf"), "up_bps": 1e6, "rtt_s": 0}}
    text = dump(from_mapping(values, "f.yaml").scenario)
    assert "down_bps: .inf" in text
    assert read_value(text, "g")["network"]["down_bps"] == float("inf")


def test_the_schema_is_json_and_documents_every_section():
    schema = json.loads(json.dumps(json_schema(), allow_nan=False))
    assert set(schema["properties"]) == set(Scenario.model_fields)
    assert all("description" in section for section in schema["properties"].values())
