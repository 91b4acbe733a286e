"""How a run's time and memory grow with the number of devices, and what one more device takes.

Every size is a whole run, each alone in a process: prepared with a full store, the worlds in which
devices never and always ask, the run's own world, all records, the summary and the report. The
cloud grows with the fleet (`devices_per_replica`), so that the load on each replica stays the same.

What a device takes that is not in session is measured by two worlds of which the same number of
devices is in session at a time, one with twice as many devices: how much more memory the larger one
takes while it is simulated, a device, looked at whenever the loop tells how far it is. Large tables
are mapped from files on disk, whose pages the system takes back whenever it needs the memory, so
only memory that is in no file counts.

    python -m benchmarks.scale
"""

import argparse
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.results import RESULTS
from benchmarks.results_command import results_file, tell, whole_number
from benchmarks.scale_sizes import Size, Sparse, run_size, run_sparse
from benchmarks.throughput_phases import alone, get_ready
from benchmarks.throughput_workload import workload
from experiment.scenario import Scenario

SECTION = "Scale"
SIZES = (10_000, 100_000, 1_000_000)
SPARSE = (500_000, 1_000_000)
STARTS_PER_S = 20.0
"""At which devices start in the worlds of which few are in session at a time."""
MIB = 2**20


def measure(sizes: Sequence[int], sparse: Sequence[int], cache: Path) -> list[str]:
    """Measure and return the section of the results."""
    began = os.getloadavg()[0]
    alone(get_ready, workload(2000).scenario, cache)
    found = []
    for devices in sizes:
        print(f"-- {devices:,} devices", file=sys.stderr, flush=True)
        found.append(alone(run_size, workload(devices).scenario, cache))
    worlds = []
    for devices in sparse:
        print(f"-- {devices:,} devices, few in session", file=sys.stderr, flush=True)
        worlds.append(alone(run_sparse, few_in_session(devices), cache))
    return [*lines(found, began), *sparse_lines(worlds)]


def few_in_session(devices: int) -> Scenario:
    """Return the scenario of a world whose devices start `STARTS_PER_S`, one after the other."""
    scenario = workload(devices).scenario
    spread = {"start_spread_s": devices / STARTS_PER_S, "start": None}
    return scenario.model_copy(update={"workload": scenario.workload.model_copy(update=spread)})


def lines(sizes: Sequence[Size], load: float) -> list[str]:
    """Return what runs took, and how that grows."""
    rows = [
        "Workload of the section on throughput, warm: prepare, the worlds `never`, `always` and "
        f"the run's own, records, summary and report; the machine's load before was {load:.1f}.",
        "",
        "| devices | requests | whole run | without report | a device | peak memory "
        "| of it in no file | a device |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for size in sizes:
        rows.append(
            f"| {size.devices:,} | {size.requests:,} | {size.whole_s:.1f} s "
            f"| {size.counted_s:.1f} s | {1e6 * size.whole_s / size.devices:.0f} us "
            f"| {size.peak_mb / 1024:.2f} GiB | {size.anonymous_mb / 1024:.2f} GiB "
            f"| {size.anonymous_mb * MIB / size.devices / 1e3:.1f} kB |"
        )
    rows.append("")
    if len(sizes) > 1:
        rows += growth_lines(sizes[0], sizes[-1])
    rows += [phase_line(size) for size in sizes]
    return rows


def growth_lines(first: Size, last: Size) -> list[str]:
    """Return how time grows from one size to another, and where the end is."""
    more = last.devices - first.devices
    whole = last.whole_s / last.devices / (first.whole_s / first.devices)
    counted = last.counted_s / last.devices / (first.counted_s / first.devices)
    more_s = (last.whole_s - first.whole_s) / more
    told = [
        f"- time a device from {first.devices:,} to {last.devices:,} devices: x {counted:.2f} "
        f"without the report, x {whole:.2f} with it",
        f"- a further device: {1e6 * more_s:.0f} us",
    ]
    resident = (last.peak_mb - first.peak_mb) * MIB / more
    if resident > 0:
        told[-1] += f" and {resident / 1e3:.1f} kB at the peak, {2**30 / resident:,.0f} a GiB"
    anonymous = (last.anonymous_mb - first.anonymous_mb) * MIB / more
    if anonymous > 0:
        memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        most = (memory_bytes - first.anonymous_mb * MIB) / anonymous
        told.append(
            f"- of that, {anonymous / 1e3:.1f} kB are in no file, {2**30 / anonymous:,.0f} devices "
            "a GiB: what is in files the system takes back when it needs the memory, so this "
            f"machine's memory would end at about {most / 1e6:.1f} million devices"
        )
    return told


def phase_line(size: Size) -> str:
    """Return where the time of a run went, and how fast it was."""
    parts = ", ".join(
        f"{name} {size.wall_s[name]:.1f} s" for name in ("prepare", "simulate", "report")
    )
    return (
        f"- {size.devices:,} devices: {parts}; {size.simulated / size.counted_s:,.0f} interactions "
        f"a second over the three worlds; {size.events:,} events of the run; "
        f"{size.record_bytes / size.interactions:.1f} bytes of records an interaction"
    )


def sparse_lines(worlds: Sequence[Sparse]) -> list[str]:
    """Return what a device takes that is not in session."""
    if len(worlds) < 2 or not worlds[-1].anonymous_mb:
        return []
    first, last = worlds[0], worlds[-1]
    more_bytes = (last.anonymous_mb - first.anonymous_mb) * MIB / (last.devices - first.devices)
    return [
        f"- a device that is not in session: {more_bytes:.0f} bytes that are in no file "
        f"({first.devices:,} and {last.devices:,} devices that start {STARTS_PER_S:.0f} a second)",
        f"- the simulation alone, of the larger of these worlds: {last.events:,} events in "
        f"{last.wall_s:.1f} s, {last.events / last.wall_s:,.0f} a second",
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    options = parser.parse_args(words)
    for key in ("devices", "sparse"):
        sizes = getattr(options, key)
        if any(later <= earlier for earlier, later in pairwise(sizes)):
            parser.error(f"argument --{key}: sizes have to ascend")
    return tell(
        SECTION,
        ["python", "-m", "benchmarks.scale", *words],
        options.out,
        options.cache,
        lambda cache: measure(options.devices, options.sparse, cache),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description="How time and memory of a run grow with the number of devices.",
    )
    add: Any = parser.add_argument
    add(
        "--devices",
        type=whole_number,
        nargs="+",
        default=SIZES,
        help="sizes of runs, ascending (default: 10000 100000 1000000)",
    )
    add(
        "--sparse",
        type=whole_number,
        nargs="*",
        default=SPARSE,
        help="sizes of two worlds of which few devices are in session (default: 500000 1000000)",
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
