"""What a run says of models trained together, rounded, or changed along the run."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis import model_cards, overridden, records, report
from analysis.findings import models
from analysis.tables import Table


def changed(
    run_dir: Path, directory: Path, models: dict[str, Any], facts: dict[str, Any], **summary: Any
) -> Path:
    """Copy a run, with other models in its scenario, facts in its manifest and summary."""
    shutil.copytree(run_dir, directory)
    scenario = yaml.safe_load((directory / "scenario.yaml").read_text())
    scenario["models"] |= models
    (directory / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    manifest = json.loads((directory / "manifest.json").read_text())
    for name, fact in facts.items():
        if isinstance(fact, dict):
            manifest["models"][name] |= fact
        else:
            manifest["models"][name] = fact
    (directory / "manifest.json").write_text(json.dumps(manifest))
    block = json.loads((directory / "summary.json").read_text()) | summary
    (directory / "summary.json").write_text(json.dumps(block))
    return directory


def rows_of(table: Table) -> dict[str, tuple[str, ...]]:
    return {row[0].text: tuple(cell.text for cell in row[1:]) for row in table.rows}


def test_cards_tell_how_models_were_made(run_dir: Path, tmp_path: Path) -> None:
    strategy = {"kind": "cooperative", "lists": "in_sample", "loss": "softmax", "list_size": 100}
    directory = changed(
        run_dir,
        tmp_path / "run",
        {
            "training": {"strategy": strategy},
            "fusion": "learned",
            "quantisation": "int8",
            "adaptation": {"kind": "on_device", "every_interactions": 5},
        },
        {
            "srm": {"knowledge": "all training interactions", "prompt_tokens": 20.0},
            "llm": {
                "knowledge": "the first 50% of each user's training interactions",
                "request_flops": 2.5e9,
                "prompt_tokens": 120.0,
                "decode_tokens": 6.0,
            },
            "learned_fusion_weight": 1.41,
            "invalid_candidate_share": 0.034,
        },
    )
    rows = rows_of(model_cards.side_by_side(records.read(directory)))
    assert rows["Learnt from"][1] == "the first 50% of each user's training interactions"
    assert rows["Work for one list, from scratch"] == ("\u2013", "2.50 GFLOP")
    assert rows["Tokens read for it"] == ("\u2013", "120")
    assert rows["Tokens written for it"] == ("\u2013", "6")
    assert rows["Weights"][0].endswith("rounded to int8")
    assert rows["Trained"] == (
        "cooperative (lists in sample, loss softmax): on the LLM's lists",
        "on the log by itself",
    )
    assert rows["Along the run"][0] == "re-trained on the device every 5 interactions"
    assert rows["Weight in the learned fusion"] == ("1.41", "1")
    assert rows["Candidates that were no items"][1] == "3.40%"


def test_cards_say_nothing_of_what_a_run_does_not_know(run_dir: Path) -> None:
    rows = rows_of(model_cards.side_by_side(records.read(run_dir)))
    assert not {"Trained", "Along the run", "Candidates that were no items"} & set(rows)


def test_training_along_the_run_is_told_with_its_cost(run_dir: Path, tmp_path: Path) -> None:
    interactions = json.loads((run_dir / "summary.json").read_text())["interactions"]
    adaptation = {
        "kind": "on_device",
        "trainings": 1234,
        "skipped_for_budget": 7,
        "skipped_while_training": 0,
        "pushes": 0,
        "parameter_bytes": 4096,
        "training_s": 12.0,
        "training_energy_j": 3.5,
        "adapted_interactions": interactions // 2,
    }
    directory = changed(run_dir, tmp_path / "run", {}, {}, adaptation=adaptation)
    run = records.read(directory)
    told = models.adaptation(run)
    assert told is not None
    assert not told.warns
    for words in (
        "re-trained 1,234 times on devices",
        "the SRM on the whole catalogue are of the weights as shipped",
        "50.0% of interactions",
        "3.50 J",
        "7 train",
    ):
        assert words in told.text
    assert told.text in report.write(directory).read_text(encoding="utf-8").replace("&#39;", "'")

    idle = changed(
        run_dir, tmp_path / "idle", {}, {}, adaptation=adaptation | {"adapted_interactions": 0}
    )
    told = models.adaptation(records.read(idle))
    assert told is not None
    assert told.warns
    assert models.adaptation(records.read(run_dir)) is None


@pytest.mark.parametrize(("share", "warns"), [(0.0, None), (0.002, False), (0.2, True)])
def test_candidates_that_are_no_items_are_told(
    run_dir: Path, tmp_path: Path, share: float, warns: bool | None
) -> None:
    directory = changed(run_dir, tmp_path / "run", {}, {"invalid_candidate_share": share})
    told = models.invalid_candidates(records.read(directory))
    assert (None if told is None else told.warns) == warns


def test_what_was_overridden_is_told(run_dir: Path) -> None:
    words = ["s.yaml", "--set", "policy.threshold=0.6", "--set=models.fusion=4", "--seed", "3"]
    assert overridden.given(words) == ["policy.threshold=0.6", "models.fusion=4", "seed=3"]
    assert overridden.given(["s.yaml", "--set", "sweep.policy.threshold=[1]", "--jobs", "2"]) == []
    assert overridden.given([]) == []
    page = report.write(run_dir).read_text(encoding="utf-8")
    assert "run with other values: <code>cloud.replicas=1</code>" in page
