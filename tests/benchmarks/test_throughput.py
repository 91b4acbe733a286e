"""The throughput benchmark at a tiny size: counts, not times."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import throughput
from benchmarks.encode_calls import EncodeCalls
from benchmarks.live_agreement import LiveAgreement
from benchmarks.throughput_phases import Phase, get_ready, live, run, without_tables
from benchmarks.throughput_report import Measured, lines
from benchmarks.throughput_workload import workload
from experiment.scenario import Scenario
from workloads.progress import SILENT

USERS, DEVICES, STEPS, CONTEXT = 40, 25, 6, 50
LLM = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48}


@pytest.fixture(scope="module", autouse=True)
def _threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    loaded = workload(DEVICES, users=USERS, items=400, steps=STEPS, llm=LLM, threshold=0.33)
    return loaded.scenario


@pytest.fixture(scope="module")
def cache(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("throughput")
    get_ready(scenario, directory)
    return directory


@pytest.fixture(scope="module")
def lived(scenario: Scenario, cache: Path) -> tuple[Phase, LiveAgreement]:
    return live(scenario, cache, 1, SILENT)


@pytest.fixture(scope="module")
def cold(scenario: Scenario, cache: Path) -> Phase:
    with without_tables(cache) as empty:
        return run(scenario, empty)


def test_the_plain_program_calls_the_models_when_it_needs_them(
    lived: tuple[Phase, LiveAgreement],
) -> None:
    phase, _ = lived
    requests = round(phase.request_frequency * phase.interactions)
    assert phase.interactions == DEVICES * STEPS
    assert 0.05 < phase.request_frequency < 0.95
    assert phase.srm.calls == phase.interactions
    assert phase.llm.calls == DEVICES + requests


def test_what_it_decides_is_what_the_engine_decides(
    lived: tuple[Phase, LiveAgreement], cold: Phase
) -> None:
    phase, agreement = lived
    assert agreement.same_events
    assert agreement.interactions == phase.interactions == cold.interactions
    assert agreement.cells == phase.srm.calls
    assert agreement.lists == phase.llm.calls
    assert (agreement.unexplained_cells, agreement.unexplained_lists) == (0, 0)
    assert agreement.largest_score_difference < 1e-5
    assert cold.request_frequency == phase.request_frequency


def test_every_context_is_read_once_by_each_model(cold: Phase) -> None:
    # Contexts are of the same length but for those of users with short histories.
    assert cold.llm.positions <= USERS * (CONTEXT + STEPS - 1)
    assert cold.llm.positions >= USERS * CONTEXT / 2
    assert cold.srm.positions == cold.llm.positions
    assert cold.llm.calls <= 5


def test_with_a_full_store_no_model_runs(scenario: Scenario, cache: Path, cold: Phase) -> None:
    warm = run(scenario, cache)
    assert warm.llm == warm.srm == EncodeCalls()
    assert warm.parts_s["infer"] == 0
    assert (warm.interactions, warm.events) == (cold.interactions, cold.events)
    assert warm.all_interactions == pytest.approx(3 * warm.interactions, rel=1e-3)


def test_the_section_tells_ratios_calls_and_exactness(
    lived: tuple[Phase, LiveAgreement], cold: Phase
) -> None:
    phase, agreement = lived
    measured = Measured(DEVICES, (1, 1), 0.5, {"cold": cold}, agreement)
    measured.add_plain(1, phase)
    measured.add_plain(None, replace(phase, wall_s=2 * phase.wall_s))
    text = "\n".join(lines(measured))
    assert f"| {cold.per_s / phase.per_s:,.1f} |" in text
    assert f"{phase.llm.calls:,}" in text
    assert "bit for bit those of the engine" in text
    assert f"{phase.per_s:,.0f} a second with 1 of torch's threads" in text
    assert f"{phase.per_s / 2:,.0f} a second with torch's own" in text
    assert "bfloat16: not measured" in text


@pytest.mark.parametrize("words", [["--devices", "0"], ["--phases", "hot"], ["--more"]])
def test_what_is_not_accepted_is_one_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert throughput.main(words) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1
