"""The JSON Schema of scenarios accepts what the program accepts, and refuses unknown keys."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from experiment.scenario import dump, from_mapping, json_schema
from experiment.scenario_error import ScenarioError
from experiment.yaml_document import read_mapping, read_value

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema():
    Draft202012Validator.check_schema(json_schema())
    return Draft202012Validator(json_schema())


@pytest.fixture
def _traces(tmp_path, monkeypatch):
    for way in ("up", "down"):
        (tmp_path / f"TMobile-UMTS-driving.{way}").write_text("1\n2\n")
    monkeypatch.setenv("LSC_TRACES", str(tmp_path))


def complaints(schema, values):
    return [(list(error.path), error.message[:200]) for error in schema.iter_errors(values)]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_are_accepted_as_they_are_written(schema, path):
    assert complaints(schema, read_mapping(path)) == []


@pytest.mark.usefixtures("_traces")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_resolved_scenarios_are_accepted(schema, path):
    resolved = dump(from_mapping(read_mapping(path), path.name).scenario)
    assert complaints(schema, read_value(resolved, "resolved")) == []


SHORT_FORMS = [
    "network: {preset: wifi, rtt_s: 0.02}",
    "network: {preset: explicit, down_bps: .inf, up_bps: 1e6, rtt_s: 0}",
    "network: {down_bps: 1e6, up_bps: 1e6, rtt_s: 0}",
    "network: {loss: {probability: 0.01}}",
    "network: {kind: preset}",
    "network: {kind: mobility, regimes: {a: {preset: 3g}, b: {}}, markov: {mean_s: {a: 9, b: 9}}}",
    "devices: {classes: [{kind: low, share: 0.3}, {kind: high, share: 0.7}]}",
    "devices: {classes: {low: 1}}",
    "workload: {split: per_user, think_time: logged, start: spread}",
    "workload: {think_time: {sigma: 0}, split: {kind: global_time, train_fraction: 0.5}}",
    "workload: {start: {kind: burst, at_s: 60}}",
    "models: {training: {strategy: cooperative}, srm: {hidden: 8}, llm: {hidden: 8}}",
    "models: {adaptation: {kind: on_device}, llm: {trained_until: 1998-03-31}}",
    "cloud: {batching: {size: 8}, routing: round_robin}",
    "cloud: {batching: {kind: continuous, size: 8}, routing: {kind: shared}}",
    "sweep: {zip: {seed: [1, 2], policy.kind: [never, always]}, seeds: 2}",
]


@pytest.mark.parametrize("text", SHORT_FORMS)
def test_short_forms_are_accepted(schema, text):
    values = read_value(text, "f.yaml")
    from_mapping(values, "f.yaml")
    assert complaints(schema, values) == []


WRONG = [
    "polcy: {kind: never}",
    "policy: {kind: never, every: 3}",
    "policy: {every: 3}",
    "policy: {kind: periodic, every: 0}",
    "policy: {kind: consistency, threshold: 60}",
    "seed: a",
    "network: {preset: 3g, kind: trace}",
    "network: {prest: 3g}",
    "network: {preset: 3}",
    "network: {preset: 3g, rtt_s: slow}",
    "network: {preset: explicit}",
    "network: {down_bps: 1e6}",
    "devices: {classes: {low: most}}",
    "devices: {classes: {low: 30, high: 70}}",
    "devices: {classes: [{kind: low}]}",
    "devices: {classes: [{kind: low, share: 1, sharp: 2}]}",
    "workload: {split: by_user}",
    "workload: {think_time: {median: 20}}",
    "workload: {start: {at_s: 60}}",
    "models: {training: {strategy: joint}}",
    "cloud: {service_time: {seconds: 1}}",
    "cloud: {batching: {size: many}}",
    "cloud: {batching: {kind: continuous, wait_s: 1}}",
    "serving:",
    "sweep: {policy.threshold: 0.4}",
    "sweep: {seeds: 0}",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_the_program_refuses_for_keys_types_and_bounds_the_schema_refuses(schema, text):
    values = read_value(text, "f.yaml")
    with pytest.raises(ScenarioError):
        from_mapping(values, "f.yaml")
    assert complaints(schema, values) != []
