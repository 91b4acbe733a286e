from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from small_log import HISTORY, Small, tiny_settings

from models.preparation import training_tasks
from models.weights import obtain
from workloads.progress import SILENT


def test_plain_transformers_loads_the_llm_and_gives_the_same_logits(small: Small) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    task = training_tasks(small.log, small.split, HISTORY, small.settings)[1]
    weights = obtain(task, small.cache_dir, SILENT)
    directory = weights.entry.directory
    config = AutoConfig.from_pretrained(directory)
    assert config.architectures == ["LlamaForCausalLM"]
    assert config.vocab_size == len(small.log.catalogue) + 1
    plain = AutoModelForCausalLM.from_pretrained(directory).eval()
    own = weights.model()
    history = torch.tensor([[3, 1, 4, 15, 9]])
    with torch.inference_mode():
        theirs = plain(history).logits[:, -1, : own.items]
        mine = own.score_catalogue(own.encode(history), torch.tensor([0]), torch.tensor([4]))
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)


def test_weights_are_plain_safetensors(small: Small) -> None:
    for task in training_tasks(small.log, small.split, HISTORY, small.settings):
        entry = obtain(task, small.cache_dir, SILENT).entry
        with safe_open(entry.directory / "model.safetensors", "np") as file:
            values = [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118
        assert sum(value.size for value in values) == entry.facts["parameters"]
        assert all(np.isfinite(value).all() for value in values)


def test_saving_draws_no_bar_of_another_library(
    small: Small, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging

    _, llm = small.models()
    logging.enable_progress_bar()
    capfd.readouterr()
    llm.save(tmp_path)
    llm.load(tmp_path)
    assert capfd.readouterr() == ("", "")
    assert logging.is_progress_bar_enabled()


def test_a_saved_model_is_the_trained_one(small: Small) -> None:
    srm, llm = small.models()
    history = torch.tensor([[1, 2, 3]])
    for task, model in zip(
        training_tasks(small.log, small.split, HISTORY, small.settings), (srm, llm), strict=True
    ):
        again = obtain(task, small.cache_dir, SILENT)
        assert again.train_s == 0.0
        assert torch.equal(again.model().encode(history), model.encode(history))


def test_everything_that_weights_depend_on_is_in_their_identity(small: Small) -> None:
    task = training_tasks(small.log, small.split, HISTORY, small.settings)[0]
    other_log = replace(small.log, items=small.log.items[::-1].copy())
    recipe = task.recipe.model_copy(update={"learning_rate": 0.5})
    earlier = replace(small.split, replay_start=small.split.replay_start - 1)
    changed = [
        replace(task, seed=1),
        replace(task, corpus=replace(task.corpus, history=HISTORY + 1)),
        replace(task, corpus=replace(task.corpus, log=other_log)),
        replace(task, recipe=recipe),
        replace(task, plan=replace(task.plan, threads=7)),
        replace(task, plan=replace(task.plan, processor="another")),
        replace(task, corpus=replace(task.corpus, split=earlier)),
        training_tasks(small.log, small.split, HISTORY, tiny_settings(srm={"hidden": 8}))[0],
    ]
    identities = [str(each.identity) for each in (task, *changed)]
    assert len(set(identities)) == len(identities)
    assert {"numpy", "scipy", "torch", "transformers"} <= set(task.identity["versions"])
