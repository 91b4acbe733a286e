"""How fast the engine is: with an empty store, with a full one, and beside the plain program.

The plain program is what one writes first: a SimPy generator a device, one PyTorch pass of the SRM
an interaction and one of the LLM a request, each over a batch of one. All run the same workload on
the same machine, one after the other, each in a process of its own:

- plain: some of the devices, until the last has ended; the time of its loop alone. Once with
  torch's own number of threads and once with one, as either can be faster; the faster one counts.
- cold: `run_sim` with an empty store, so that all tables are built first, in float32; and in
  bfloat16, where the processor has it, as in another line.
- warm: `run_sim` with a full store, bound to one core.
- sweep: `run_sim` of a 20-point sweep of the threshold with an empty store, on two processes; all
  its wall time, with all reports.

Of cold and warm, all wall time after imports counts but that of training and of reports: also that
of the worlds that a run is compared with (never and always asking), though only the run's own
interactions are counted. The models are trained once, briefly, and kept in the cache; compiled code
is in its cache too, as after any first run.

    python -m benchmarks.throughput
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.results import RESULTS
from benchmarks.results_command import fail, results_file, tell, whole_number
from benchmarks.throughput_report import Measured, lines
from benchmarks.throughput_workload import workload
from models.numerics import has_bfloat16

SECTION = "Throughput"
PLAIN_DEVICES = 250
SWEPT_POINTS = 20
PHASES = ("plain", "cold", "bfloat16", "warm", "sweep")


class OptionError(ValueError):
    """An option that is not accepted."""


@dataclass(frozen=True)
class Options:
    """What is measured.

    Attributes:
        devices: in the workload, each with its own user.
        plain_devices: of these, which the plain program lives through.
        plain_threads: of torch in the plain program, one after the other; None leaves it to torch.
        phases: to measure.
        cache: directory that keeps the weights.
    """

    devices: int
    plain_devices: int
    plain_threads: Sequence[int | None]
    phases: Sequence[str]
    cache: Path


def measure(options: Options) -> Measured:
    """Run the phases, one after the other, each alone in a process."""
    # Here, because --help should not wait for torch.
    from benchmarks.throughput_phases import alone, get_ready, live, run, sweep, without_tables

    devices, cache = options.devices, options.cache
    scenario = workload(devices).scenario
    began = os.getloadavg()[0]
    _announce("train briefly, unless the cache has the weights, and build tables to compare with")
    parameters = alone(get_ready, scenario, cache)
    measured = Measured(devices, parameters, began)
    for phase in options.phases:
        _announce(phase)
        match phase:
            case "plain":
                sample = workload(min(devices, options.plain_devices)).scenario
                for threads in options.plain_threads:
                    found, measured.agreement = alone(live, sample, cache, threads)
                    measured.add_plain(threads, found)
            case "cold" | "bfloat16":
                if phase == "bfloat16" and not has_bfloat16("cpu"):
                    continue
                precision = "float32" if phase == "cold" else phase
                computed = workload(devices, precision=precision).scenario
                with without_tables(cache) as cold:
                    measured.phases[phase] = alone(run, computed, cold)
            case "warm":
                measured.phases[phase] = alone(run, scenario, cache, cores=1)
            case "sweep":
                swept = workload(devices, swept=SWEPT_POINTS)
                with without_tables(cache) as cold:
                    measured.phases[phase] = alone(sweep, swept, cold, 2)
    return measured


def _announce(phase: str) -> None:
    """Say what comes next."""
    print(f"-- {phase}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        options = _parser().parse_args(words)
    except OptionError as error:
        return fail(str(error))

    def measured_lines(cache: Path) -> list[str]:
        threads = (None, 1) if options.plain_threads is None else (options.plain_threads,)
        phases = [phase for phase in PHASES if phase in options.phases]
        chosen = Options(options.devices, options.plain_devices, threads, phases, cache)
        return lines(measure(chosen))

    command = ["python", "-m", "benchmarks.throughput", *words]
    return tell(SECTION, command, options.out, options.cache, measured_lines)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}; `{self.prog} --help` lists what is accepted")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m benchmarks.throughput",
        description="Interactions a second of the engine and of the plain program, side by side.",
    )
    add: Any = parser.add_argument
    add("--devices", type=whole_number, default=2000, help="in the workload (default: %(default)s)")
    add(
        "--plain-devices",
        type=whole_number,
        default=PLAIN_DEVICES,
        help="that the plain program lives through (default: %(default)s, about a minute)",
    )
    add(
        "--plain-threads",
        type=whole_number,
        help="of torch in the plain program (default: both its own and 1)",
    )
    add(
        "--phases",
        nargs="+",
        choices=PHASES,
        default=PHASES,
        help="what to measure (default: all; ratios need plain)",
    )
    add("--cache", type=Path, help="keeps the weights (default: LSC_CACHE, or the user's cache)")
    add(
        "--out",
        type=results_file,
        default=RESULTS,
        help="file of results, or none (default: %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
