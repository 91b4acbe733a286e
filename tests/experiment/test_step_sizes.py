"""A step size that nobody chose is that of the architecture, also where it is another one later."""

from pathlib import Path

import pytest
import yaml
from tiny_scenario import TINY

from experiment.scenario import LoadedScenario, Scenario, dump, from_mapping
from experiment.sweep_points import sweep_points
from models.preparation import training_tasks
from models.weights import obtain
from workloads.progress import SILENT
from workloads.splits import split
from workloads.synthetic.generator import generate

DIN = {"srm": {"kind": "din"}}
EVERY_KIND = {"models.srm.kind": ["sasrec", "din", "gru4rec"]}


def scenario_of(models: dict[str, object], *settings: str, **sections: object) -> LoadedScenario:
    return from_mapping({**TINY, "models": models, **sections}, "written", list(settings))


def read_again(loaded: LoadedScenario, *settings: str) -> LoadedScenario:
    return from_mapping(yaml.safe_load(dump(loaded.scenario)), "written", list(settings))


def step_sizes(scenario: Scenario) -> tuple[float | None, float | None]:
    """Return the step sizes that the SRM and the LLM are trained with."""
    log = generate(scenario.workload.synthetic, seed=0)
    parts = split(log, scenario.workload)
    srm, llm = training_tasks(log, parts, scenario.workload.history, scenario.models)
    return srm.recipe.learning_rate, llm.recipe.learning_rate


def test_a_recipe_without_a_step_size_takes_that_of_the_architecture() -> None:
    assert step_sizes(scenario_of({}).scenario) == (0.001, 0.001)
    assert step_sizes(scenario_of(DIN).scenario) == (0.004, 0.001)
    epochs = {"training": {"llm": {"max_epochs": 3}}}
    assert step_sizes(scenario_of({**DIN, **epochs}).scenario) == (0.004, 0.001)
    chosen = {"training": {"srm": {"learning_rate": 0.002}}}
    assert step_sizes(scenario_of({**DIN, **chosen}).scenario) == (0.002, 0.001)


@pytest.mark.parametrize("kind", ["sasrec", "gru4rec", "din"])
def test_another_architecture_for_a_written_scenario_brings_its_own_step_size(kind: str) -> None:
    for models in ({}, DIN):
        written = read_again(scenario_of(models), f"models.srm.kind={kind}").scenario
        assert step_sizes(written) == step_sizes(scenario_of({"srm": {"kind": kind}}).scenario)


def test_a_written_sweep_over_architectures_is_the_same_sweep() -> None:
    loaded = scenario_of({}, sweep=EVERY_KIND)
    points, again = sweep_points(loaded), sweep_points(read_again(loaded))
    assert [point.id for point in points] == [point.id for point in again]
    assert [step_sizes(point.scenario)[0] for point in again] == [0.001, 0.004, 0.001]


def test_a_sweep_over_the_architectures_of_a_written_scenario_is_that_of_the_scenario() -> None:
    swept = sweep_points(scenario_of(DIN, sweep=EVERY_KIND))
    later = sweep_points(
        from_mapping(
            {**yaml.safe_load(dump(scenario_of(DIN).scenario)), "sweep": EVERY_KIND}, "written"
        )
    )
    assert [step_sizes(point.scenario) for point in swept] == [
        step_sizes(point.scenario) for point in later
    ]


def test_a_model_card_tells_the_step_size_that_was_used(tmp_path: Path) -> None:
    recipe = {"training": {"srm": {"max_epochs": 1}}, "srm": {"kind": "gru4rec", "hidden": 4}}
    scenario = scenario_of(recipe).scenario
    log = generate(scenario.workload.synthetic, seed=0)
    task, _ = training_tasks(
        log, split(log, scenario.workload), scenario.workload.history, scenario.models
    )
    assert obtain(task, tmp_path, SILENT).card(20, 20).learning_rate == 0.001
