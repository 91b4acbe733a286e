"""The README's examples work as they stand."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiment.scenario import from_mapping
from sim.policies import Policy, PolicyView
from sim.policies import __name__ as policies_name

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("text", blocks("yaml"), ids=lambda text: text.split("\n")[0])
def test_scenarios_in_the_readme_are_valid(text):
    from_mapping(yaml.safe_load(text), "README.md")


def test_the_policy_in_the_readme_works():
    (text,) = blocks("python")
    namespace = {"__name__": f"{policies_name}.impatient"}
    exec(compile(text, "README.md", "exec"), namespace)
    policy = namespace["Impatient"](steps=2)
    assert isinstance(policy, Policy)
    view = PolicyView(
        first_step=0,
        list_age_steps=np.array([1, 2, 3, 4]),
        list_age_s=np.arange(4.0),
        decision_s=np.arange(4.0),
    )
    assert policy.first_request(view, 0) == 2


def test_every_file_that_the_readme_links_to_is_there():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_shipped_scenario_is_in_the_readme_and_says_its_question(tmp_path, monkeypatch):
    for way in ("up", "down"):  # traces are not shipped
        (tmp_path / f"TMobile-UMTS-driving.{way}").write_text("10\n20\n")
    monkeypatch.setenv("LSC_TRACES", str(tmp_path))
    for path in sorted((ROOT / "scenarios").glob("*.yaml")):
        assert f"scenarios/{path.name}" in README
        assert path.read_text(encoding="utf-8").startswith("# ")
        from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
