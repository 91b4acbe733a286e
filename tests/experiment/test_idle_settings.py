"""Settings that were given and change nothing are told, and no others."""

import json
import math
from pathlib import Path

import pytest
import yaml
from pandas.testing import assert_frame_equal
from tiny_scenario import TINY

from experiment.command import main
from experiment.idle_rules import RULES
from experiment.idle_settings import idle_everywhere, idle_settings
from experiment.manifest import manifest
from experiment.preparation import prepare
from experiment.requests_frame import requests_frame
from experiment.scenario import dump, from_mapping
from experiment.sweep_points import sweep_points
from experiment.yaml_document import read_value
from sim.engine import simulate
from workloads.progress import SILENT

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))

# What is given, which keys of it change nothing, and what makes every one of them matter.
CASES = {
    "workload: {dataset: ml-100k, seed: 3, synthetic: {users: 9}}": (
        "workload.seed workload.synthetic",
        ["workload.dataset=synthetic"],
    ),
    "workload: {think_time: {sigma: 0, cap_s: 60}}": (
        "workload.think_time.cap_s",
        ["workload.think_time.sigma=1"],
    ),
    "workload: {start: {kind: burst, at_s: 60, spread_s: 30}}": (
        "workload.start.spread_s",
        ["workload.start.share=0.9"],
    ),
    "serving: {deadline_s: 5}": ("serving.deadline_s", ["serving.mode=wait"]),
    "serving: {mode: wait, deadline_s: 30}": ("serving.deadline_s", ["serving.timeout_s=31"]),
    "serving: {no_coverage: fail}": (
        "serving.no_coverage",
        ["faults.coverage_losses=[{start_s: 1, duration_s: 2}]"],
    ),
    "serving: {no_coverage: fail}\n"
    "network: {kind: mobility, regimes: {a: {preset: 3g}}, schedule: [{at_s: 0, regime: a}]}": (
        "serving.no_coverage",
        ["network.schedule=[{at_s: 0, regime: a}, {at_s: 9, regime: none}]"],
    ),
    "serving: {timeout_s: 5, retry: {attempt_timeout_s: 5}}": (
        "serving.retry.attempt_timeout_s",
        ["serving.timeout_s=5.1"],
    ),
    "serving: {retry: {backoff_s: 1, backoff_cap_s: 4, jitter: none}}": (
        "serving.retry.backoff_s serving.retry.backoff_cap_s serving.retry.jitter",
        ["serving.retry.attempts=2"],
    ),
    "serving: {retry: {attempts: 2, backoff_s: 0, backoff_cap_s: 4, jitter: none}}": (
        "serving.retry.backoff_cap_s serving.retry.jitter",
        ["serving.retry.backoff_s=1"],
    ),
    "serving: {circuit_breaker: {open_s: 9}}": (
        "serving.circuit_breaker.open_s",
        ["serving.circuit_breaker.failures=2"],
    ),
    "network: {preset: 3g, loss: {initial_timeout_s: 2, largest_timeout_s: 9}}": (
        "network.loss.initial_timeout_s network.loss.largest_timeout_s",
        ["network.preset=umts_lossy"],
    ),
    "network: {kind: mobility, regimes: {bus: {preset: 3g, loss: {initial_timeout_s: 2}}}, "
    "schedule: [{at_s: 0, regime: bus}]}": (
        "network.regimes.bus.loss.initial_timeout_s",
        ["network.regimes.bus.loss.probability=0.1"],
    ),
    "network: {preset: ideal, bandwidth_spread: 0.3}": (
        "network.bandwidth_spread",
        ["network.preset=3g"],
    ),
    "network: {preset: 3g, rtt_s: 0, jitter: {distribution: lognormal, sigma: 0.2}}": (
        "network.jitter",
        ["network.rtt_s=0.1"],
    ),
    "network: {kind: cell, down_bps: 1, up_bps: 1, rtt_s: 0, "
    "jitter: {distribution: lognormal, sigma: 0.2}}": ("network.jitter", ["network.rtt_s=0.1"]),
    "devices: {battery_j: 100}": ("devices.battery_j", ["devices.battery={}"]),
    "devices: {classes: [{kind: low, share: 0.5, battery_j: 100}, {kind: mid, share: 0.5}]}": (
        "devices.classes.0.battery_j",
        ["devices.battery={}"],
    ),
    "devices: {budget_covers: all}": (
        "devices.budget_covers",
        ["devices.compute_budget_flops_per_hour=1e9"],
    ),
    "devices: {compute_budget_flops_per_hour: 1e+9}": (
        "devices.compute_budget_flops_per_hour",
        ["models.adaptation={kind: on_device}"],
    ),
    "devices: {battery: {saver_below: 0, stop_below: 0, saver_every: 2}}": (
        "devices.battery.saver_every",
        ["devices.battery.saver_below=0.1"],
    ),
    "devices: {battery: {saver_every: 1, saver_below: 0.4}}": (
        "devices.battery.saver_below",
        ["devices.battery.saver_every=2"],
    ),
    "cloud: {replicas: 1, autoscaling: {kind: reactive, minimum: 2}}": (
        "cloud.replicas",
        ["cloud.replicas=3"],
    ),
    "cloud: {replicas: 1, routing: round_robin}": ("cloud.routing", ["cloud.replicas=2"]),
    "workload: {devices: 100}\ncloud: {devices_per_replica: 100, routing: round_robin}": (
        "cloud.routing",
        ["workload.devices=101"],
    ),
    "cloud: {autoscaling: {kind: reactive, minimum: 2, maximum: 2, every_s: 1, start_up_s: 5, "
    "cooldown_s: 1, queue_per_replica: {up: 9, down: 1}}}": (
        "cloud.autoscaling.every_s cloud.autoscaling.start_up_s cloud.autoscaling.cooldown_s "
        "cloud.autoscaling.queue_per_replica",
        ["faults.crashes=[{at_s: 1}]"],
    ),
    "cloud: {batching: {size: 1, wait_s: 0.1}}": (
        "cloud.batching.wait_s",
        ["cloud.batching.size=2"],
    ),
    "cloud: {batching: {memory_share: 0.5}, service_time: {kind: fixed}}": (
        "cloud.batching.memory_share",
        ["cloud.service_time.kind=roofline"],
    ),
    "cloud: {service_time: {kind: roofline, served_model: {max_prompt_tokens: 999}}}": (
        "cloud.service_time.served_model.max_prompt_tokens",
        ["cloud.service_time.served_model.tokens_per_interaction=4"],
    ),
    "cloud: {power: {idle_share: 0.1}, service_time: {kind: fixed}}": (
        "cloud.power.idle_share",
        ["cloud.power.busy_w=300"],
    ),
    "faults: {regions: 4}": (
        "faults.regions",
        ["faults.coverage_losses=[{start_s: 1, duration_s: 2, regions: [3]}]"],
    ),
    "faults: {degradations: [{start_s: 1, duration_s: 2}]}": (
        "faults.degradations",
        ["faults.degradations=[{start_s: 1, duration_s: 2, extra_rtt_s: 1}]"],
    ),
    "faults: {random_crashes: {mean_down_s: 9, work: lost}}": (
        "faults.random_crashes.mean_down_s faults.random_crashes.work",
        ["faults.random_crashes.mean_time_between_s=99"],
    ),
}


def loaded(text, *overrides):
    return from_mapping(read_value(text, "f.yaml"), "f.yaml", overrides)


def idle(text, *overrides):
    return idle_settings(loaded(text, *overrides).scenario)


@pytest.mark.parametrize("text", CASES)
def test_what_changes_nothing_is_told_until_it_does(text):
    keys, mended = CASES[text]
    assert set(idle(text)) == set(keys.split())
    assert idle(text, *mended) == {}


def test_every_rule_has_a_case():
    reasons = {reason for text in CASES for reason in idle(text).values()}
    assert reasons == {rule.reason for rule in RULES}


def test_a_scenario_that_gives_nothing_has_nothing_to_tell():
    assert idle("{}") == {}


@pytest.mark.parametrize(
    "text",
    [
        "devices: {classes: {low: 0.5, high: 0.5}}",
        # A class of one's own has to give all figures.
        "devices: {classes: [{kind: own, share: 1, sustained_flops: 1e+9, "
        "memory_bytes_per_s: 1e+9, memory_bytes: 1e+9, active_power_w: 1, idle_power_w: 1, "
        "battery_j: 1000}]}",
        # Figures of a preset, written beside its name.
        "network: {preset: ideal, bandwidth_spread: 0.0, jitter: {distribution: none}}",
        "network: {preset: 3g, rtt_s: 0}",
        "cloud: {batching: {size: 1, wait_s: 0}}",
    ],
)
def test_figures_that_a_name_stands_for_are_nobodys_choice(text):
    assert idle(text) == {}
    assert idle_settings(loaded(dump(loaded(text).scenario)).scenario) == {}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_give_nothing_in_vain_nor_do_their_resolved_forms(
    path, tmp_path, monkeypatch
):
    for way in ("up", "down"):  # traces are not shipped
        (tmp_path / f"TMobile-UMTS-driving.{way}").write_text("10\n20\n")
    monkeypatch.setenv("LSC_TRACES", str(tmp_path))
    shipped = from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
    points = sweep_points(shipped)
    scenarios = [point.scenario for point in points] or [shipped.scenario]
    assert [idle_settings(scenario) for scenario in scenarios] == [{}] * len(scenarios)
    for scenario in (scenarios[0], scenarios[-1]):
        assert idle_settings(loaded(dump(scenario)).scenario) == {}


def test_a_sweep_tells_what_changes_nothing_at_any_point():
    text = (
        "serving: {deadline_s: 5, retry: {backoff_s: 1}}\nsweep: {serving.retry.attempts: [1, 2]}"
    )
    points = [point.scenario for point in sweep_points(loaded(text))]
    assert set(idle_settings(points[0])) == {"serving.deadline_s", "serving.retry.backoff_s"}
    assert set(idle_everywhere(points)) == {"serving.deadline_s"}
    assert set(idle_everywhere(points[::-1])) == {"serving.deadline_s"}


OUTAGE = {"start_s": 30.0, "duration_s": 20.0}
BUSY_STATION = {
    "cloud": {
        "service_time": {"kind": "fixed", "seconds": 0.3},
        "batching": {"size": 1},
        "autoscaling": {"kind": "reactive", "minimum": 1, "maximum": 1},
    },
}
IDLE_THERE = {
    "serving.deadline_s": 0.001,
    "serving.no_coverage": "fail",
    "serving.retry.attempt_timeout_s": 40.0,
    "serving.retry.backoff_s": 9.0,
    "serving.retry.jitter": "none",
    "serving.circuit_breaker.open_s": 1e6,
    "network.loss.initial_timeout_s": 50.0,
    "devices.battery_j": 1.0,
    "devices.compute_budget_flops_per_hour": 1.0,
    "cloud.routing": "round_robin",
    "cloud.batching.wait_s": 9.0,
    "cloud.autoscaling.every_s": 0.1,
    "cloud.autoscaling.queue_per_replica": {"up": 0.01, "down": 0.001},
    "cloud.power.idle_share": 1.0,
    "faults.regions": 7,
    "faults.random_crashes.mean_down_s": 1e6,
}
EVERYONE_AT_ONCE = {
    "workload": {
        **{key: value for key, value in TINY["workload"].items() if key != "start_spread_s"},
        "start": {"kind": "burst", "at_s": 20.0},
        "think_time": {"sigma": 0.0, "median_s": 5.0},
    },
    "serving": {"mode": "wait", "timeout_s": 10.0, "retry": {"attempts": 2, "backoff_s": 0.0}},
    "network": {"down_bps": math.inf, "up_bps": math.inf, "rtt_s": 0.0},
    "devices": {
        "battery": {"start": {"low": 0.02, "high": 0.1}, "saver_below": 0.05, "stop_below": 0.05}
    },
    "cloud": {
        "service_time": {"kind": "roofline"},
        "autoscaling": {"kind": "reactive", "minimum": 2},
    },
}
IDLE_AMONG_THEM = {
    "workload.start.spread_s": 9.0,
    "workload.think_time.cap_s": 5.0,
    "serving.deadline_s": 11.0,
    "serving.retry.backoff_cap_s": 0.1,
    "serving.retry.jitter": "none",
    "network.bandwidth_spread": 2.0,
    "network.jitter": {"distribution": "lognormal", "sigma": 2.0},
    "devices.battery.saver_every": 7,
    "devices.budget_covers": "all",
    "cloud.replicas": 1,
    "cloud.service_time.served_model.max_prompt_tokens": 600,
    "faults.degradations": [{"start_s": 10.0, "duration_s": 100.0}],
}


@pytest.mark.parametrize(
    ("sections", "overrides"),
    [(BUSY_STATION, IDLE_THERE), (EVERYONE_AT_ONCE, IDLE_AMONG_THEM)],
    ids=["a busy station", "everyone at once"],
)
def test_what_is_told_changes_no_result(sections, overrides, directories):
    """All at once, in worlds in which requests queue and fail, so that they could matter."""
    values = {**TINY, "policy": {"kind": "always"}, **sections, "faults": {"outages": [OUTAGE]}}
    without, with_all = (
        prepare(from_mapping(values, "tiny.yaml", given).scenario, directories, SILENT)
        for given in ([], [f"{key}={json.dumps(value)}" for key, value in overrides.items()])
    )
    assert manifest(without, [], [], point=False)["idle_settings"] == {}
    told = manifest(with_all, [], [], point=False)["idle_settings"]
    assert set(told) == set(overrides)
    first, second = (
        simulate(preparation.world(preparation.scenario.policy), SILENT)
        for preparation in (without, with_all)
    )
    requests = requests_frame(first.requests)
    assert (requests["outcome"] == "lost").any()
    assert (requests["service_start_s"] > requests["arrived_cloud_s"]).any()
    assert_frame_equal(requests, requests_frame(second.requests))
    assert first.energy_j == second.energy_j
    assert first.interactions.shown_s.tolist() == second.interactions.shown_s.tolist()
    assert first.interactions.shown_row.tolist() == second.interactions.shown_row.tolist()


def test_the_command_tells_them_in_a_line_each(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LSC_CACHE", str(tmp_path / "cache"))
    Path("question.yaml").write_text(
        "workload: {dataset: ./nowhere.inter}\nserving: {deadline_s: 5}\nfaults: {regions: 2}"
    )
    lines = [
        "without effect: serving.deadline_s, as serving.mode is stale, and only wait waits",
        "without effect: faults.regions, as no fault names regions",
    ]
    assert main(["question.yaml", "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.splitlines()[1:3] == lines
    assert main(["question.yaml"]) == 2
    told, error = capsys.readouterr().err.splitlines()[:2], "error: "
    assert told == lines
    assert main(["question.yaml", "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(error)
