"""What the benchmark of scale measures, each in a process of its own."""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.throughput_phases import import_all
from experiment.directories import Directories
from experiment.engine_block import peak_rss_mb
from experiment.preparation import prepare
from experiment.progress import progress_on
from experiment.run import run_scenario
from experiment.scenario import Scenario
from sim.engine import simulate
from workloads.progress import SILENT, Advance

SAMPLING_S = 0.02


@dataclass(frozen=True)
class Size:
    """What a run of one size took.

    Attributes:
        devices, interactions, requests, events: of the run.
        wall_s: seconds by phase, after imports.
        peak_mb: peak resident memory of the process, MiB: pages of files that it has mapped, too.
        anonymous_mb: of it, the peak of what is in no file.
        record_bytes: of the files of interactions and requests.
        simulated: interactions of all worlds that were simulated.
    """

    devices: int
    interactions: int
    requests: int
    events: int
    wall_s: Mapping[str, float]
    peak_mb: float
    anonymous_mb: float
    record_bytes: int
    simulated: int

    @property
    def whole_s(self) -> float:
        """Seconds of the whole run, its report included."""
        return sum(self.wall_s.values())

    @property
    def counted_s(self) -> float:
        """Seconds of the run without its report."""
        return self.whole_s - self.wall_s["report"]


@dataclass(frozen=True)
class Sparse:
    """A world of which few devices are in session at a time, simulated.

    Attributes:
        devices: in the world.
        anonymous_mb: peak memory that is in no file, MiB, while devices were in session.
        events: that happened.
        wall_s: seconds of the simulation alone, its records included.
    """

    devices: int
    anonymous_mb: float
    events: int
    wall_s: float


def run_size(scenario: Scenario, cache: Path) -> Size:
    """Run a scenario as `run_sim.py` does, with all its files and its report."""
    import_all()
    progress = progress_on(sys.stderr, quiet=False)
    with tempfile.TemporaryDirectory(dir=cache) as folder, anonymous_peak() as peak:
        run = Path(folder) / "run"
        block = run_scenario(scenario, run, progress, directories=Directories(None, cache))
        files = (run / "interactions.parquet", run / "requests.parquet")
        record_bytes = sum(file.stat().st_size for file in files)
    engine = block["engine"]
    wall_s = engine["wall_s"]
    return Size(
        devices=block["devices"],
        interactions=block["interactions"],
        requests=block["requests"],
        events=engine["events"],
        wall_s=wall_s,
        peak_mb=peak_rss_mb(),
        anonymous_mb=peak[0],
        record_bytes=record_bytes,
        simulated=round(engine["interactions_per_s"] * (wall_s["prepare"] + wall_s["simulate"])),
    )


def run_sparse(scenario: Scenario, cache: Path) -> Sparse:
    """Prepare and simulate a scenario's world, and nothing else."""
    watch = _MemoryWatch()
    import_all()
    preparation = prepare(scenario, Directories(None, cache), SILENT)
    world = preparation.world(scenario.policy)
    started_s = time.perf_counter()
    events = simulate(world, watch).events
    wall_s = time.perf_counter() - started_s
    return Sparse(world.devices, watch.highest_kb / 2**10, events, wall_s)


class _MemoryWatch:
    """Looks at the memory whenever it is told of progress."""

    def __init__(self) -> None:
        self.highest_kb = 0

    @contextmanager
    def phase(self, title: str, total: float) -> Iterator[Advance]:  # noqa: ARG002
        """Open a phase."""

        def advance(amount: float = 1, note: str = "") -> None:  # noqa: ARG001
            self.highest_kb = max(self.highest_kb, _anonymous_kb())

        yield advance


@contextmanager
def anonymous_peak() -> Iterator[list[float]]:
    """Watch this process's anonymous memory; the peak, MiB, is there at the end.

    It is 0 where the system does not tell (`/proc/self/status`, Linux).
    """
    peak, done = [float("nan")], threading.Event()

    def watch() -> None:
        highest_kb = 0
        while True:
            highest_kb = max(highest_kb, _anonymous_kb())
            if done.wait(SAMPLING_S):
                break
        peak[0] = highest_kb / 2**10

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _anonymous_kb() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0)
