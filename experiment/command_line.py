"""What can be typed after `python run_sim.py`."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from experiment.scenario_error import ScenarioError

EXAMPLES = """\
examples:
  python run_sim.py scenarios/mobile_3g.yaml
  python run_sim.py scenarios/mobile_3g.yaml --set policy.threshold=0.4 --seed 1
  python run_sim.py scenarios/mobile_3g.yaml --set "policy={kind: periodic, every: 5}"
  python run_sim.py scenarios/mobile_3g.yaml --set "sweep={policy.threshold: [0.2, 0.4, 0.6]}"
  python run_sim.py --schema > scenario.schema.json

environment:
  LSC_DATA    directory of data sets
  LSC_TRACES  directory of network traces
  LSC_CACHE   directory of trained weights and outcome tables (default: the user's cache directory)

exit status: 0 done, 2 something to mend (said in one line), 130 interrupted; 1 a mistake of the
program, or a killed process. Where points of a sweep fail the others go on, the status is 2, or 1,
and the errors are in failed.json of the output directory."""


@dataclass(frozen=True)
class CommandLine:
    """One invocation of the program.

    Attributes:
        words: the arguments as they were typed.
        scenario: the scenario file; None only with `schema`.
        overrides: texts `key.path=value`, in order.
        seed: takes the place of the scenario's seed, if given.
        out: the output directory, if named.
        jobs: processes that simulate points side by side.
        ray: address of a Ray cluster that works on the points instead; empty for none.
        resume: go on with what the output directory holds.
        fresh: replace what it holds.
        dry_run: only say what would be run.
        quiet: no progress and no table.
        schema: print the JSON Schema of scenarios.
    """

    words: tuple[str, ...]
    scenario: Path | None
    overrides: tuple[str, ...]
    seed: int | None
    out: Path | None
    jobs: int
    ray: str
    resume: bool
    fresh: bool
    dry_run: bool
    quiet: bool
    schema: bool


def parse(words: Sequence[str]) -> CommandLine:
    """Read the arguments.

    Raises:
        ScenarioError: they are not understood.
        SystemExit: help was asked for, and printed.
    """
    given = _parser().parse_args(list(words))
    if given.scenario is None and not given.schema:
        raise ScenarioError("", "", "name a scenario file, such as scenarios/mobile_3g.yaml")
    return CommandLine(
        words=tuple(words),
        scenario=given.scenario,
        overrides=tuple(given.overrides),
        seed=given.seed,
        out=given.out,
        jobs=given.jobs,
        ray=given.ray,
        resume=given.resume,
        fresh=given.fresh,
        dry_run=given.dry_run,
        quiet=given.quiet,
        schema=given.schema,
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ScenarioError("", "", f"{message}; `python run_sim.py --help` lists what is accepted")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python run_sim.py",
        description="Simulate device-cloud recommendation with real models: run a scenario, or "
        "every point of its sweep, and write a report.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("scenario", metavar="SCENARIO", nargs="?", type=Path, help="scenario file (YAML)")
    add(
        "--set",
        dest="overrides",
        metavar="KEY.PATH=VALUE",
        action="append",
        default=[],
        help="give a key of the scenario another value, read as YAML; may be repeated",
    )
    add("--seed", metavar="N", type=_seed, help="seed of the simulation, for the scenario's own")
    add(
        "--out",
        metavar="DIR",
        type=Path,
        help="output directory (default: runs/NAME, or the next free runs/NAME-2, ...)",
    )
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    add(
        "--jobs",
        metavar="N",
        type=_jobs,
        default=processors,
        help=f"points of a sweep to simulate side by side (default: {processors}, one a processor)",
    )
    add(
        "--ray",
        metavar="ADDRESS",
        default="",
        help="work on the points of a sweep on this Ray cluster (extra `cluster`); its nodes need "
        "this project installed, and neither the data nor the cache",
    )
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--resume", action="store_true", help="go on with what the output directory holds"
    )
    kept.add_argument(
        "--fresh", action="store_true", help="replace the result that the output directory holds"
    )
    add("--dry-run", action="store_true", help="say what would be run, and write nothing")
    add("--quiet", action="store_true", help="print no progress and no table")
    add("--schema", action="store_true", help="print the JSON Schema of scenarios")
    return parser


def _seed(text: str) -> int:
    return _whole_number(text, least=0)


def _jobs(text: str) -> int:
    return _whole_number(text, least=1)


def _whole_number(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least {least}")
    return number
