import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open
from small_log import HISTORY, Small, log_of, pattern_log, tiny_settings
from text_models import TEXT_TOKENS, saved, text_gpt2, text_llama

from models.corpus import Corpus
from models.errors import ModelError
from models.llm.causal import CausalLm, CausalLmSettings
from models.preparation import prepare, training_tasks
from models.weights import obtain
from workloads.progress import SILENT
from workloads.splits import Split

BODIES = {
    "llama": text_llama,
    "untied llama": lambda: text_llama(tied=False),
    "gpt2": text_gpt2,
}


@pytest.fixture(params=BODIES)
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return saved(BODIES[request.param](), tmp_path / "text model")


def corpus_of(small: Small) -> Corpus:
    return Corpus(small.log, small.split, HISTORY)


def built(settings: CausalLmSettings, corpus: Corpus) -> CausalLm:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return settings.build(corpus).eval()


def body(model: Any) -> dict[str, torch.Tensor]:
    return {
        name: value.clone()
        for name, value in model.base_model.state_dict().items()
        if "embed_tokens" not in name and "wte" not in name
    }


def refused(settings: CausalLmSettings, corpus: Corpus) -> str:
    def check_and_build() -> None:
        settings.check(corpus)
        settings.build(corpus)

    with pytest.raises(ModelError) as error:
        check_and_build()
    assert "\n" not in error.value.message
    assert "accepted" in error.value.message
    assert error.value.key in ("models.llm.weights", "models.llm.lora")
    return error.value.message


def test_items_replace_the_text_and_the_body_stays(small: Small, directory: str) -> None:
    from transformers import AutoModelForCausalLM

    model = built(CausalLmSettings(weights=directory), corpus_of(small))
    before = AutoModelForCausalLM.from_pretrained(directory)
    for name, value in body(before).items():
        assert torch.equal(value, body(model.language_model)[name])
    items = len(small.log.catalogue)
    assert model.language_model.get_input_embeddings().weight.shape == (items + 1, 16)
    assert model.item_vectors().shape == (items, 16)
    tied = before.get_input_embeddings().weight is before.get_output_embeddings().weight
    inputs = model.language_model.get_input_embeddings().weight
    assert (inputs is model.language_model.get_output_embeddings().weight) == tied
    spread = float(before.get_input_embeddings().weight.detach().std())
    assert float(inputs.detach().std()) == pytest.approx(spread, rel=0.15)


@torch.inference_mode()
def test_one_pass_is_a_pass_for_each_step(small: Small, directory: str) -> None:
    model = built(CausalLmSettings(weights=directory), corpus_of(small))
    items = torch.randint(40, (3, 8), generator=torch.Generator().manual_seed(2))
    padded = torch.cat((items, torch.full((3, 2), 40)), dim=1)
    at_once = model.encode(padded)
    for step in range(8):
        alone = model.encode(items[:, : step + 1])[:, step]
        torch.testing.assert_close(at_once[:, step], alone, rtol=0, atol=1e-5)


def test_flops_are_two_for_each_weight_of_the_matrices(small: Small, directory: str) -> None:
    settings = CausalLmSettings(weights=directory)
    model = built(settings, corpus_of(small)).language_model
    matrices = sum(
        module.weight.numel()
        for name, module in model.named_modules()
        if type(module).__name__ in ("Linear", "Conv1D") and name != "lm_head"
    )
    attention = 4 * 2 * 16 * 10  # 2 layers, heads of 16 numbers in all, 9 + 1 positions
    assert settings.flops_per_step(9, 20) == 2 * matrices + attention + 2 * 16 * 20
    cost = settings.request_cost(corpus_of(small), 50)
    assert cost.prompt_tokens == HISTORY
    assert cost.flops == sum(
        settings.flops_per_step(context, 40 if context == HISTORY - 1 else 0)
        for context in range(HISTORY)
    )


def trained(small: Small, llm: dict[str, Any], cache_dir: Path) -> Any:
    recipe = {"max_epochs": 2, "batch_interactions": 64, "warmup_batches": 2}
    settings = tiny_settings(
        llm={"kind": "causal_lm", **llm}, training={"srm": recipe, "llm": recipe}
    )
    task = training_tasks(small.log, small.split, HISTORY, settings)[1]
    return obtain(task, cache_dir, SILENT)


@pytest.mark.parametrize("lora", [None, {"rank": 2, "alpha": 4.0, "dropout": 0.1}])
def test_a_trained_directory_is_plain_transformers(
    small: Small, directory: str, tmp_path: Path, lora: dict[str, Any] | None
) -> None:
    from transformers import AutoModelForCausalLM

    weights = trained(small, {"weights": directory, "lora": lora}, tmp_path / "cache")
    own = weights.model()
    place = weights.entry.directory
    assert not list(place.glob("adapter*"))
    plain = AutoModelForCausalLM.from_pretrained(place).eval()
    assert plain.config.vocab_size == 41
    history = torch.tensor([[3, 1, 4, 15, 9]])
    with torch.inference_mode():
        theirs = plain(history).logits[:, -1, :40]
        mine = own.score_catalogue(own.encode(history), torch.tensor([0]), torch.tensor([4]))
    torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-5)
    with safe_open(place / "model.safetensors", "np") as file:
        values = [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118
    assert sum(value.size for value in values) == weights.entry.facts["parameters"]
    assert all(np.isfinite(value).all() for value in values)


def test_adapters_train_beside_the_items_and_nothing_else(small: Small, directory: str) -> None:
    pytest.importorskip("peft")
    model = built(CausalLmSettings(weights=directory, lora={"rank": 2}), corpus_of(small))
    trains = {name for name, value in model.named_parameters() if value.requires_grad}
    assert trains
    assert all(
        any(word in name for word in ("lora_", "embed_tokens", "wte", "lm_head")) for name in trains
    )
    adapters = {name for name in trains if "lora_A" in name}
    frozen_matrices = {
        name
        for name, value in model.named_parameters()
        if not value.requires_grad and value.dim() == 2 and "wpe" not in name
    }
    assert len(adapters) == len(frozen_matrices)


def test_merging_adapters_changes_no_score(small: Small, directory: str, tmp_path: Path) -> None:
    model = built(CausalLmSettings(weights=directory, lora={"rank": 2}), corpus_of(small))
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.2)
    history = torch.tensor([[3, 1, 4]])
    with torch.inference_mode():
        adapted = model.encode(history)
        model.save(tmp_path / "merged")
        again = built(CausalLmSettings(weights=directory, lora={"rank": 2}), corpus_of(small))
        untrained = again.encode(history)
        again.load(tmp_path / "merged")
        torch.testing.assert_close(again.eval().encode(history), adapted, rtol=0, atol=1e-5)
        assert (untrained - adapted).abs().max() > 1e-3


def test_adapters_without_peft_are_refused(
    small: Small, directory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without_peft(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "peft":
            raise ImportError(name)
        return real(name, *rest, **more)

    settings = CausalLmSettings(weights=directory, lora={"rank": 2})
    monkeypatch.setattr(builtins, "__import__", without_peft)
    assert "device-cloud-testbed[lora]" in refused(settings, corpus_of(small))


def item_model(small: Small) -> Path:
    task = training_tasks(small.log, small.split, HISTORY, small.settings)[1]
    return obtain(task, small.cache_dir, SILENT).entry.directory


def test_a_model_over_these_items_keeps_its_embeddings(small: Small) -> None:
    directory = item_model(small)
    _, original = small.models()
    model = built(CausalLmSettings(weights=str(directory)), corpus_of(small))
    assert torch.equal(model.item_vectors(), original.item_vectors())
    history = torch.tensor([[1, 2, 3]])
    assert torch.equal(model.encode(history), original.encode(history))


def other_corpus(items: int, key: str) -> Corpus:
    log = pattern_log(items=items)
    keys = tuple(f"{key} {item}" for item in range(items))
    log = log_of([log.history(user).tolist() for user in range(log.users)], items, "other")
    object.__setattr__(log.catalogue, "keys", keys)
    return Corpus(log, _split(log.lengths), 5)


def _split(length: np.ndarray) -> Split:
    stop = length - 3
    return Split("per_user", 2, stop, stop.copy(), stop + 1, np.arange(len(length)))


def test_a_model_over_other_items_is_refused(small: Small) -> None:
    settings = CausalLmSettings(weights=str(item_model(small)))
    said = refused(settings, other_corpus(41, "item"))
    assert "40 items" in said
    assert "the catalogue of other has 41" in said
    assert "but other ones" in refused(settings, other_corpus(40, "other item"))
    settings.check(other_corpus(40, "item"))


def test_too_few_positions_are_refused(small: Small, tmp_path: Path) -> None:
    short = CausalLmSettings(weights=saved(text_llama(positions=9), tmp_path / "short"))
    said = refused(short, corpus_of(small))
    assert "reads at most 9 positions" in said
    assert str(corpus_of(small).positions) in said


def test_a_model_that_reads_ahead_is_refused(small: Small, tmp_path: Path) -> None:
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(
        vocab_size=TEXT_TOKENS,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    settings = CausalLmSettings(weights=saved(BertForMaskedLM(config), tmp_path / "bert"))
    assert "reads ahead" in refused(settings, corpus_of(small))


def test_what_is_no_causal_model_is_refused(small: Small, tmp_path: Path) -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(vocab_size=TEXT_TOKENS, d_model=16, d_kv=8, d_ff=32, num_layers=1)
    settings = CausalLmSettings(weights=saved(T5ForConditionalGeneration(config), tmp_path / "t5"))
    assert "is no causal language model" in refused(settings, corpus_of(small))


def test_a_model_without_some_weights_is_refused(small: Small, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    place = Path(saved(text_llama(), tmp_path / "model"))
    tensors = load_file(place / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, place / "model.safetensors", metadata={"format": "pt"})
    said = refused(CausalLmSettings(weights=str(place)), corpus_of(small))
    assert "lacks 1 weights" in said
    assert "model.norm.weight" in said


def test_damaged_weights_are_refused(small: Small, tmp_path: Path) -> None:
    place = Path(saved(text_llama(), tmp_path / "model"))
    whole = (place / "model.safetensors").read_bytes()
    (place / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    said = refused(CausalLmSettings(weights=str(place)), corpus_of(small))
    assert "cannot be loaded as a causal language model" in said


def test_a_body_without_attention_has_a_cost(small: Small, tmp_path: Path) -> None:
    from transformers import MambaConfig, MambaForCausalLM

    config = MambaConfig(vocab_size=TEXT_TOKENS, hidden_size=16, state_size=4, num_hidden_layers=1)
    settings = CausalLmSettings(weights=saved(MambaForCausalLM(config), tmp_path / "mamba"))
    assert settings.shape().attention_width == 0
    assert settings.request_cost(corpus_of(small), 5).flops > 0


def test_a_missing_directory_is_refused_before_anything_trains(
    small: Small, tmp_path: Path
) -> None:
    settings = tiny_settings(llm={"kind": "causal_lm", "weights": str(tmp_path / "no" / "model")})
    with pytest.raises(ModelError, match="there is no directory"):
        prepare(small.log, small.split, HISTORY, 1, settings, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_sizes_beside_weights_are_refused() -> None:
    with pytest.raises(ValidationError, match="give only one of weights and layers"):
        CausalLmSettings(weights="some/model", layers=3)
    with pytest.raises(ValidationError, match="adapts pretrained weights"):
        CausalLmSettings(lora={"rank": 2})
    written = CausalLmSettings(weights="some/model").model_dump()
    assert CausalLmSettings.model_validate(written).model_dump() == written
    assert "layers" not in written


def test_the_identity_is_of_the_contents_and_not_of_the_place(tmp_path: Path) -> None:
    model = text_llama()
    here = CausalLmSettings(weights=saved(model, tmp_path / "here")).identity()
    there = CausalLmSettings(weights=saved(model, tmp_path / "there")).identity()
    model.model.norm.weight.data += 1
    other = CausalLmSettings(weights=saved(model, tmp_path / "there")).identity()
    adapted = CausalLmSettings(weights=str(tmp_path / "here"), lora={"rank": 2}).identity()
    assert here == there
    assert here != other
    assert here != adapted
    assert str(tmp_path) not in str(here)
