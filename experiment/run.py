"""One run: prepare, simulate the scenario's world and its baselines, and write every file."""

import json
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import report, summary
from experiment.adaptation_block import with_adaptation
from experiment.baseline_worlds import baseline_names, baseline_policies, baseline_world
from experiment.calibration.request_policy import RequestPolicy, request_policy
from experiment.cloud_records import cloud_capacity, cloud_frame, cloud_load_frame
from experiment.directories import Directories
from experiment.frames import (
    accuracy_frame,
    devices_frame,
    freshness_frame,
    interactions_frame,
    replay_frame,
    requests_frame,
)
from experiment.manifest import manifest
from experiment.network_block import coverage_frame, with_network
from experiment.phones_block import with_phones
from experiment.preparation import Preparation, prepare
from experiment.scenario import Scenario, dump
from experiment.shared_inputs import SharedInputs
from experiment.staging import staged
from experiment.stopwatch import Stopwatch
from sim.engine import simulate
from sim.records.result import SimulationResult
from sim.world import World
from workloads.progress import Progress


def run_scenario(
    scenario: Scenario,
    directory: Path,
    progress: Progress,
    *,
    dropped_keys: Sequence[str] = (),
    command_line: Sequence[str] = (),
    directories: Directories | None = None,
    point: bool = False,
    shared: SharedInputs | None = None,
) -> dict[str, Any]:
    """Run a scenario and write its files into `directory`, all at once when they are complete.

    Args:
        scenario: what to run; its sweep is not looked at.
        directory: where the files go.
        progress: told how far the work is.
        dropped_keys: keys that an override made meaningless, for the manifest.
        command_line: what the user typed, for the manifest.
        directories: data and cache; by default those of the environment.
        point: whether this is a point of a sweep: its figures are not drawn as PNG files.
        shared: what other points have made; by default all is made or found here.

    Returns:
        The contents of `summary.json`.

    Raises:
        WorkloadError, ModelError: something that the user can mend.
    """
    watch = Stopwatch()
    with watch.phase("prepare"):
        if shared is None:
            preparation = prepare(scenario, directories or Directories.from_environment(), progress)
        else:
            preparation = shared.prepared(scenario)
    with watch.phase("simulate"):
        known = {} if shared is None else shared.simulated()
        policy = request_policy(preparation, progress)
        results = _simulate_worlds(preparation, policy.world, known, progress)
    with staged(directory) as work:
        with watch.phase("report"):
            (work / "scenario.yaml").write_text(dump(scenario), encoding="utf-8")
            facts = manifest(preparation, command_line, dropped_keys, point=point)
            facts["policies"] = [each.model_dump(mode="json") for each in policy.policies]
            _write_json(work / "manifest.json", facts)
        block = _write_records(preparation, policy, results, known, work, watch)
        with watch.phase("report"), progress.phase("write the report", 1):
            report.write(work, png=not point)
        block["engine"] = _engine_block(preparation, results, known, watch)
        (work / "summary.json").write_text(summary.to_json(block), encoding="utf-8")
    return block


def _simulate_worlds(
    preparation: Preparation,
    run: World,
    known: Mapping[str, SimulationResult],
    progress: Progress,
) -> dict[str, SimulationResult]:
    """Simulate the run, and those worlds that it is compared with and that are not `known`."""
    results = {
        name: known.get(name) or simulate(baseline_world(preparation, name), progress)
        for name in baseline_names(preparation.scenario)
    }
    for name, policy in baseline_policies().items():
        if run.assigned is None and run.policy == policy:
            return {"run": results[name], **results}
    return {"run": simulate(run, progress), **results}


def _write_records(
    preparation: Preparation,
    policy: RequestPolicy,
    results: Mapping[str, SimulationResult],
    known: Mapping[str, SimulationResult],
    work: Path,
    watch: Stopwatch,
) -> dict[str, Any]:
    """Write the records of the run and return its summary."""
    world = policy.world
    with watch.phase("simulate"):
        interactions = interactions_frame(preparation, results, world)
        requests = requests_frame(results["run"].requests)
        accuracy = accuracy_frame(preparation, results, world)
        _write_parquet(work / "devices.parquet", devices_frame(preparation, world))
        _write_parquet(work / "interactions.parquet", interactions)
        _write_parquet(work / "requests.parquet", requests)
        _write_parquet(work / "cloud.parquet", cloud_frame(results["run"].cloud))
        _write_parquet(work / "cloud_load.parquet", cloud_load_frame(results["run"].cloud))
        if (coverage := results["run"].network.coverage) is not None:
            _write_parquet(work / "coverage.parquet", coverage_frame(coverage))
    with watch.phase("report"):
        _write_parquet(work / "accuracy_by_user.parquet", accuracy)
        _write_parquet(work / "freshness.parquet", freshness_frame(preparation))
        _write_parquet(work / "replay.parquet", replay_frame(preparation))
        block = summary.summarise(
            scenario=preparation.scenario.name,
            seed=preparation.scenario.seed,
            interactions=interactions,
            requests=requests,
            accuracy_by_user=accuracy,
            energy=_energy(results["run"]),
            cloud=_capacity(preparation, results["run"]),
            engine=_engine_block(preparation, results, known, watch),
        )
        block = with_network(block, results["run"])
        block = with_phones(block, world, results["run"])
        block = with_adaptation(block, preparation, world, results["run"])
        block = {"request_policy": dict(policy.facts), **block}
        (work / "summary.json").write_text(summary.to_json(block), encoding="utf-8")
        compared = ("run", "never", "always")
        worlds = {name: _world_block(preparation, results[name]) for name in compared}
        _write_json(work / "baseline_worlds.json", worlds)
    return block


def _world_block(preparation: Preparation, result: SimulationResult) -> dict[str, Any]:
    """Return what a simulated world cost: for the comparison of the run with its baselines."""
    requests = requests_frame(result.requests)
    energy = _energy(result)
    devices, _ = result.interactions.happened.shape
    total_j = energy.compute_j + energy.radio_j
    return {
        "requests": len(requests),
        "request_frequency": len(requests) / result.interactions.interactions,
        "outcomes": summary.outcome_counts(requests),
        "response_s": summary.distribution(summary.response_s(requests)),
        "bytes": {
            "up": int(result.requests.bytes_up.sum()),
            "down": int(result.requests.bytes_down.sum()) + result.pushed_bytes,
        },
        "energy_j": {"total": total_j, "per_device": total_j / devices},
        "energy_by_state_j": result.energy_j,
        "energy_by_radio_j": result.network.radio_energy_j,
        "cloud": summary.cloud_block(_capacity(preparation, result)),
    }


def _energy(result: SimulationResult) -> summary.Energy:
    spent_j = dict(result.energy_j)
    idle_j, compute_j = spent_j.pop("idle", None), spent_j["compute"]
    radio_j = sum(spent_j.values()) - compute_j
    return summary.Energy(compute_j=compute_j, radio_j=radio_j, idle_j=idle_j)


def _capacity(preparation: Preparation, result: SimulationResult) -> summary.CloudCapacity:
    return cloud_capacity(preparation.scenario.cloud, result.cloud)


def _engine_block(
    preparation: Preparation,
    results: Mapping[str, SimulationResult],
    known: Mapping[str, SimulationResult],
    watch: Stopwatch,
) -> dict[str, Any]:
    """Return the block on the program itself: the only one that differs from run to run."""
    models, run = preparation.models, results["run"]
    live_s = preparation.model_time.wall_s
    prepare_s = watch.wall_s["prepare"] - models.train_s - models.infer_s
    simulate_s = watch.wall_s["simulate"] - live_s
    worlds = {id(result): result for result in results.values()}
    for result in known.values():
        worlds.pop(id(result), None)
    simulated = sum(result.interactions.interactions for result in worlds.values())
    return {
        "wall_s": {
            "prepare": prepare_s,
            "train": models.train_s,
            "infer": models.infer_s + live_s,
            "simulate": simulate_s,
            "report": watch.wall_s["report"],
        },
        "simulated_s": run.simulated_s,
        "events": run.events,
        "interactions_per_s": simulated / (prepare_s + simulate_s),
        "peak_rss_mb": _peak_rss_mb(),
        "cached": models.cached and preparation.adaptation is None,
    }


def _peak_rss_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _write_parquet(path: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(path, index=False, compression="zstd")


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
