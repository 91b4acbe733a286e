"""One run: prepare, simulate the scenario's world and its baselines, and write every file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis import report, summary
from experiment.adaptation_block import with_adaptation
from experiment.calibration.request_policy import RequestPolicy, request_policy
from experiment.cloud_records import cloud_capacity
from experiment.compared_worlds import Worlds, simulate_worlds
from experiment.directories import Directories
from experiment.engine_block import EngineFacts, engine_block
from experiment.manifest import manifest
from experiment.network_block import with_network
from experiment.phones_block import with_phones
from experiment.preparation import Preparation, prepare
from experiment.record_files import write_records, write_tables
from experiment.scenario import Scenario, dump
from experiment.shared_inputs import SharedInputs
from experiment.staging import staged
from experiment.stopwatch import Stopwatch
from experiment.world_costs import energy_of, world_costs
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
        policy = request_policy(preparation, progress)
        worlds = simulate_worlds(preparation, policy.world, shared, progress)
    with staged(directory) as work:
        with watch.phase("report"):
            (work / "scenario.yaml").write_text(dump(scenario), encoding="utf-8")
            facts = manifest(preparation, command_line, dropped_keys, point=point)
            facts["policies"] = [each.model_dump(mode="json") for each in policy.policies]
            _write_json(work / "manifest.json", facts)
        block = _write_records(preparation, policy, worlds, work, watch)
        simulated = EngineFacts.of(worlds)
        # The report reads the files: it needs the memory more than what they were written from.
        del worlds
        with watch.phase("report"), progress.phase("write the report", 1):
            report.write(work, png=not point)
        block["engine"] = engine_block(preparation, simulated, watch)
        (work / "summary.json").write_text(summary.to_json(block), encoding="utf-8")
    return block


def _write_records(
    preparation: Preparation, policy: RequestPolicy, worlds: Worlds, work: Path, watch: Stopwatch
) -> dict[str, Any]:
    """Write the records of the run and return its summary."""
    world, cloud = policy.world, preparation.scenario.cloud
    with watch.phase("simulate"):
        sums = write_records(preparation, world, worlds, work)
    with watch.phase("report"):
        write_tables(preparation, sums.accuracy, work)
        block = summary.summarise(
            scenario=preparation.scenario.name,
            seed=preparation.scenario.seed,
            records=sums.totals,
            accuracy_by_user=sums.accuracy,
            energy=energy_of(worlds.run),
            cloud=cloud_capacity(cloud, worlds.run.cloud),
            engine=engine_block(preparation, EngineFacts.of(worlds), watch),
        )
        block = with_network(block, worlds.run)
        block = with_phones(block, world, worlds.run)
        block = with_adaptation(block, preparation, world, worlds.run)
        block = {"request_policy": dict(policy.facts), **block}
        (work / "summary.json").write_text(summary.to_json(block), encoding="utf-8")
        costs = {name: dict(worlds.compared[name].costs) for name in ("never", "always")}
        _write_json(work / "baseline_worlds.json", {"run": world_costs(cloud, worlds.run), **costs})
    return block


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
