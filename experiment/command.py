"""The command: from what was typed to an exit status; no traceback for what a user can mend."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiment import command_line, loading, output_directory
from experiment.command_line import CommandLine
from experiment.output_directory import Contents
from experiment.progress import progress_on
from experiment.refusals import refusal_of
from experiment.scenario_error import ScenarioError
from experiment.yaml_document import read_mapping

if TYPE_CHECKING:
    from experiment.scenario import LoadedScenario, Scenario
    from experiment.sweep_points import SweepPoint

# What only the models' libraries serve is imported where it is needed: they take seconds to load,
# and neither --help nor a misspelt file name should wait for them.

DONE, MISTAKE, TO_MEND, INTERRUPTED = 0, 1, 2, 130


def main(words: Sequence[str]) -> int:
    """Run the program with the given arguments and return its exit status."""
    source = ""
    loading.begins()
    try:
        command = command_line.parse(words)
        if command.schema:
            return _print_schema()
        source = str(command.scenario)
        return _run(command)
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does; nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        refusal = refusal_of(error, source)
        if refusal is None:
            raise
        _say_error(str(refusal))
        return TO_MEND
    except KeyboardInterrupt:
        print("interrupted; --resume goes on with a sweep's unfinished points", file=sys.stderr)
        return INTERRUPTED
    finally:
        loading.has_ended()


def _say_error(text: str) -> None:
    print("error:", " ".join(text.split()), file=sys.stderr)


def _run(command: CommandLine) -> int:
    source = str(command.scenario)
    document = read_mapping(Path(source))

    from experiment.idle_settings import idle_everywhere
    from experiment.scenario import from_mapping
    from experiment.sweep_points import sweep_points

    loaded = from_mapping(document, source, command.overrides, command.seed)
    points = sweep_points(loaded)
    idle = idle_everywhere([point.scenario for point in points] or [loaded.scenario])
    directory = output_directory.choose(
        loaded.scenario.name,
        command.out,
        has_sweep=loaded.has_sweep,
        resume=command.resume,
        fresh=command.fresh,
    )
    if command.dry_run:
        return _say_what_would_run(loaded, points, idle, directory, command)
    if loaded.dropped_keys and not command.quiet:
        keys = ", ".join(loaded.dropped_keys)
        _note(f"dropped, as --set leaves no use for them: {keys}")
    if not command.quiet:
        for line in _in_words(idle):
            _note(line)
    with output_directory.opened(directory, clear=command.fresh and loaded.has_sweep):
        if loaded.has_sweep:
            status = _run_sweep(command, loaded, points, directory)
        else:
            status = _run_once(command, loaded, directory)
    return status


def _run_once(command: CommandLine, loaded: "LoadedScenario", directory: Path) -> int:
    from experiment.directories import Directories
    from experiment.named_contents import NamedContents
    from experiment.result_table import console_for, run_lines, run_table
    from experiment.run import run_scenario
    from experiment.scenario import dump

    loading.has_ended()
    if command.resume and output_directory.contents(directory) is Contents.RUN:
        output_directory.refuse_another_scenario(directory, dump(loaded.scenario))
        contents = NamedContents(Directories.from_environment())
        if changed := contents.changed(loaded.scenario, directory):
            message = (
                f"holds the finished result of other contents of {' and '.join(changed)}, so there "
                "is nothing to resume; give --fresh to replace it, or another directory"
            )
            raise ScenarioError(str(directory), "--out", message)
        summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
    else:
        summary = run_scenario(
            loaded.scenario,
            directory,
            progress_on(sys.stderr, command.quiet),
            dropped_keys=loaded.dropped_keys,
            command_line=command.words,
        )
    if not command.quiet:
        console = console_for(sys.stdout)
        console.print(run_table(summary))
        for line in run_lines(summary):
            console.print(line, highlight=False)
    _say_report(directory)
    return DONE


def _run_sweep(
    command: CommandLine,
    loaded: "LoadedScenario",
    points: "Sequence[SweepPoint]",
    directory: Path,
) -> int:
    from experiment.result_table import console_for, sweep_table
    from experiment.sweep import run_sweep

    loading.has_ended()
    result = run_sweep(
        loaded,
        directory,
        progress_on(sys.stderr, command.quiet),
        jobs=command.jobs,
        ray=command.ray,
        command_line=command.words,
        tell=_note if not command.quiet else _say_nothing,
    )
    if not result.table.empty:
        if not command.quiet:
            finished = [point for point in points if point not in result.failed]
            console_for(sys.stdout).print(sweep_table(finished, result.table))
        _say_report(directory)
    if not result.failed:
        return DONE
    _say_error(f"{loaded.source}: {result.failed.in_one_line(len(points))}")
    return TO_MEND if result.failed.are_mendable else MISTAKE


def _say_report(directory: Path) -> None:
    print(f"report: {directory / 'report.html'}")


def _note(line: str) -> None:
    print(line, file=sys.stderr)


def _say_nothing(line: str) -> None:
    pass


def _in_words(idle: Mapping[str, str]) -> list[str]:
    return [f"without effect: {key}, as {reason}" for key, reason in idle.items()]


def _say_what_would_run(
    loaded: "LoadedScenario",
    points: "Sequence[SweepPoint]",
    idle: Mapping[str, str],
    directory: Path,
    command: CommandLine,
) -> int:
    from experiment.named_contents import NamedContents
    from experiment.remaining_points import remaining_points
    from experiment.sweep_points import in_words

    print(f"would run {loaded.scenario.name} into {directory}")
    if loaded.dropped_keys:
        print(f"dropped keys: {', '.join(loaded.dropped_keys)}")
    for line in _in_words(idle):
        print(line)
    runs = [(in_words(point.values), point.scenario, point.dropped_keys) for point in points]
    for label, scenario, dropped in runs or [("one run", loaded.scenario, ())]:
        workload = scenario.workload
        if workload.devices == "all":
            load = f"every eligible user a device, {workload.replay_steps} interactions each"
        else:
            interactions = workload.devices * workload.replay_steps
            load = f"{workload.devices:,} devices, {interactions:,} interactions"
        without = f" (dropped keys: {', '.join(dropped)})" if dropped else ""
        print(f"  {label}: {load} of {workload.dataset}{without}")
    if points:
        print(f"{len(points)} points")
        # Without directories: a dry run reads no data.
        remaining = remaining_points(points, directory, NamedContents(None))
        to_do = len(remaining.points)
        done = len(points) - to_do
        if command.resume or (not command.fresh and (done or remaining.made_again)):
            print(f"of them done: {done}, to do: {to_do}")
            if reason := remaining.reason():
                print(reason)
        left = points if command.fresh else remaining.points
        _say_estimate([point.scenario for point in left], command.jobs)
    return DONE


def _say_estimate(scenarios: "Sequence[Scenario]", jobs: int) -> None:
    from experiment.progress import duration
    from experiment.sweep_estimate import estimated

    estimate = estimated(scenarios)
    if estimate is None:
        print("no estimate: how many devices there are is only known when the data are read")
        return
    if not estimate.point_s:
        return
    mean_s = sum(estimate.point_s) / len(estimate.point_s)
    memory_gb = estimate.memory_bytes / 1e9
    print(
        f"estimate: {mean_s:.1f} s and {memory_gb:.1f} GB a point; {len(estimate.point_s)} points "
        f"on {jobs} process{'' if jobs == 1 else 'es'} about {duration(estimate.wall_s(jobs))} and "
        f"{jobs * memory_gb:.1f} GB, if half of the "
        "interactions request (from times of mobile_3g, scaled by this processor's speed). "
        "Training and tables come on top where the cache lacks them, which shows only when the "
        "data are read"
    )


def _print_schema() -> int:
    from experiment.scenario import json_schema

    print(json.dumps(json_schema(), indent=2, allow_nan=False))
    return DONE
