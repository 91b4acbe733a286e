"""The phases of the throughput benchmark; each runs in a process of its own.

So the peak memory of each is its own, and what it may use of the machine is set before it starts.
"""

import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from joblib.externals.loky import get_reusable_executor

from benchmarks.encode_calls import EncodeCalls, counting
from benchmarks.live_agreement import LiveAgreement, compare
from benchmarks.live_program import LiveProgram
from experiment.directories import Directories
from experiment.engine_block import peak_rss_mb
from experiment.preparation import Preparation, prepare
from experiment.progress import progress_on
from experiment.run import run_scenario
from experiment.scenario import LoadedScenario, Scenario
from experiment.sweep import run_sweep
from sim.engine import simulate
from workloads.progress import SILENT, Progress

Result = TypeVar("Result")
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@dataclass(frozen=True)
class Phase:
    """What a phase did, and what it took.

    Attributes:
        interactions: that were simulated, of the run alone.
        wall_s: seconds after imports, without training and reports.
        events: of the run.
        peak_mb: the process's peak resident memory, MiB.
        llm: passes of the LLM.
        srm: passes of the SRM.
        request_frequency: requests per interaction.
        all_interactions: those of the worlds too that the run is compared with.
        parts_s: seconds by part, as far as the phase tells.
    """

    interactions: int
    wall_s: float
    events: int
    peak_mb: float
    llm: EncodeCalls
    srm: EncodeCalls
    request_frequency: float
    all_interactions: int
    parts_s: Mapping[str, float]

    @property
    def per_s(self) -> float:
        """Interactions of the run per second."""
        return self.interactions / self.wall_s


def alone(work: Callable[..., Result], *arguments: Any, cores: int | None = None) -> Result:
    """Call a function in a new process and return what it returns.

    Args:
        work: a function at the top of a module.
        arguments: that can be pickled.
        cores: the process and all libraries in it get so many cores; None: what there is. Where
            the system binds no processes, only libraries keep to it, and only to one.
    """
    kept, allowed = dict(os.environ), _cores()
    os.environ.update(ONE_THREAD if cores == 1 else {})
    try:
        if cores is not None and allowed:
            os.sched_setaffinity(0, set(sorted(allowed)[-cores:]))
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as process:
            return process.submit(work, *arguments).result()
    finally:
        os.environ.clear()
        os.environ.update(kept)
        if allowed:
            os.sched_setaffinity(0, allowed)


def _cores() -> set[int]:
    affinity = getattr(os, "sched_getaffinity", None)
    return set(affinity(0)) if affinity else set()


def get_ready(scenario: Scenario, cache: Path) -> tuple[int, int]:
    """Train the models and build the tables, unless the cache has them, and run once.

    Returns:
        The numbers of parameters of the LLM and the SRM.
    """
    directories, progress = Directories(None, cache), progress_on(sys.stderr, quiet=False)
    found = prepare(scenario, directories, progress).models
    with tempfile.TemporaryDirectory() as folder:  # what is compiled at the first run is kept
        run_scenario(scenario, Path(folder) / "run", progress, directories=directories)
    return found.llm_card.parameters, found.srm_card.parameters


def live(
    scenario: Scenario, cache: Path, threads: int | None, progress: Progress | None = None
) -> tuple[Phase, LiveAgreement]:
    """Let the plain program live through a scenario with the models at hand, and compare.

    Args:
        scenario: the workload.
        cache: has its weights and tables.
        threads: of torch; None leaves it to torch.
        progress: told of the interactions; None: on standard error.
    """
    progress = progress_on(sys.stderr, quiet=False) if progress is None else progress
    preparation = prepare(scenario, Directories(None, cache), SILENT)
    srm, llm = preparation.models.srm.model(), preparation.models.llm.model()
    if threads is not None:
        torch.set_num_threads(threads)
    world = preparation.world(scenario.policy)
    program = LiveProgram(world, preparation.models.replay, srm, llm)
    with progress.phase("Live plainly", world.sessions.steps.sum()) as advance:
        program.told = advance
        started_s = time.perf_counter()
        lived = program.run()
        wall_s = time.perf_counter() - started_s
    interactions = int(lived.interactions.happened.sum())
    phase = Phase(
        interactions=interactions,
        wall_s=wall_s,
        events=lived.events,
        peak_mb=peak_rss_mb(),
        llm=EncodeCalls(program.llm_calls, program.llm_positions),
        srm=EncodeCalls(program.srm_calls, program.srm_positions),
        request_frequency=int(lived.interactions.requested.sum()) / interactions,
        all_interactions=interactions,
        parts_s={},
    )
    return phase, _agreement(program, lived, preparation)


def _agreement(program: LiveProgram, lived: Any, preparation: Preparation) -> LiveAgreement:
    engine = simulate(program.world, SILENT)
    return compare(program, lived, engine, preparation.models.outcomes)


def run(scenario: Scenario, cache: Path) -> Phase:
    """Run a scenario as `run_sim.py` does, with all its files."""
    import_all()
    with tempfile.TemporaryDirectory() as folder, counting() as counts:
        progress = progress_on(sys.stderr, quiet=False)
        directory = Path(folder) / "run"
        block = run_scenario(scenario, directory, progress, directories=Directories(None, cache))
    engine = block["engine"]
    parts_s = {name: engine["wall_s"][name] for name in ("prepare", "infer", "simulate")}
    wall_s = sum(parts_s.values())
    simulated_s = parts_s["prepare"] + parts_s["simulate"]
    return Phase(
        interactions=block["interactions"],
        wall_s=wall_s,
        events=engine["events"],
        peak_mb=peak_rss_mb(),
        llm=counts.of("CausalLm"),
        srm=counts.of("SasRec"),
        request_frequency=block["request_frequency"],
        all_interactions=round(engine["interactions_per_s"] * simulated_s),
        parts_s=parts_s,
    )


def sweep(loaded: LoadedScenario, cache: Path, jobs: int) -> Phase:
    """Run a sweep as `run_sim.py` does; all its wall time counts, reports as well."""
    import_all()
    os.environ["LSC_CACHE"] = str(cache)
    with tempfile.TemporaryDirectory() as folder, counting() as counts:
        started_s = time.perf_counter()
        progress = progress_on(sys.stderr, quiet=False)
        table = run_sweep(loaded, Path(folder) / "sweep", progress, jobs=jobs).table
        wall_s = time.perf_counter() - started_s
    get_reusable_executor().shutdown()  # or its idle processes keep this one for minutes
    interactions = int(table["interactions"].sum())
    return Phase(
        interactions=interactions,
        wall_s=wall_s,
        events=int(table["engine.events"].sum()),
        peak_mb=max(peak_rss_mb(), peak_rss_mb(resource.RUSAGE_CHILDREN)),
        llm=counts.of("CausalLm"),
        srm=counts.of("SasRec"),
        request_frequency=float(table["request_frequency"].mean()),
        all_interactions=interactions,
        parts_s={},
    )


@contextmanager
def without_tables(cache: Path) -> Iterator[Path]:
    """Yield a cache that has all that another has but the tables; what it gets in addition goes."""
    with tempfile.TemporaryDirectory(prefix="cold-", dir=cache) as folder:
        cold = Path(folder)
        for part in cache.iterdir():
            if part.name != "outcomes" and not part.name.startswith("cold-"):
                (cold / part.name).symlink_to(part.absolute())
        yield cold


def import_all() -> None:
    """Import what is only imported where it is needed, as imports do not count."""
    import numba  # noqa: F401
    import transformers.models.llama.modeling_llama  # noqa: F401

    import models.outcome_builder  # noqa: F401
