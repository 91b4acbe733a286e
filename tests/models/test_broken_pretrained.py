"""Pretrained models with something wrong in their files: one line each, never a traceback."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
from safetensors.torch import save_file
from small_p5 import corpus_of
from transformers import (
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    T5ForConditionalGeneration,
    T5Model,
)

from models.errors import ModelError
from models.item_text import fresh_tokenizer
from models.llm.causal import CausalLmSettings
from models.llm.p5 import P5Settings
from models.pretrained import resolve
from models.sentence_encoder import check_encoder, encode_texts, encoder_width

KEY = "models.llm.encoder"
TINY = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}


def refused(use: Callable[[], Any]) -> str:
    with pytest.raises(ModelError) as error:
        use()
    assert error.value.key in (KEY, "models.llm.weights")
    assert "accepted:" in error.value.message
    assert "\n" not in error.value.message
    return error.value.message


def change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def p5(place: Path) -> Path:
    tokenizer = fresh_tokenizer()
    tokenizer.save_pretrained(place)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=16,
        d_kv=8,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    T5ForConditionalGeneration(config).save_pretrained(place)
    return place


def use_p5(place: Path) -> None:
    corpus, settings = corpus_of(), P5Settings(weights=str(place))
    settings.check(corpus)
    settings.build(corpus)
    settings.request_cost(corpus, 5)


def llama(place: Path) -> Path:
    config = LlamaConfig(vocab_size=50, max_position_embeddings=64, **TINY)
    LlamaForCausalLM(config).save_pretrained(place)
    return place


def use_llama(place: Path) -> None:
    corpus, settings = corpus_of(), CausalLmSettings(weights=str(place))
    settings.check(corpus)
    settings.build(corpus)
    settings.request_cost(corpus, 5)


def encoder(place: Path, model: Any = None) -> Path:
    words = {"[PAD]": 0, "[UNK]": 1, "a": 2, "b": 3}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(place)
    (model or BertModel(BertConfig(vocab_size=4, **TINY))).save_pretrained(place)
    return place


def use_encoder(place: Path) -> torch.Tensor:
    pretrained = resolve(str(place), KEY)
    check_encoder(pretrained, KEY)
    encoder_width(pretrained, KEY)
    return encode_texts(pretrained, ("a b", "b"), torch.device("cpu"), KEY)


def test_models_with_nothing_wrong_are_taken(tmp_path: Path) -> None:
    use_p5(p5(tmp_path / "t5"))
    use_llama(llama(tmp_path / "llama"))
    assert use_encoder(encoder(tmp_path / "bert")).shape == (2, 8)


def test_the_encoder_of_a_t5_is_an_encoder(tmp_path: Path) -> None:
    config = T5Config(vocab_size=4, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    whole = T5Model(config)
    vectors = use_encoder(encoder(tmp_path / "whole", whole))
    alone = T5EncoderModel(config)
    alone.load_state_dict(whole.state_dict(), strict=False)
    assert torch.equal(use_encoder(encoder(tmp_path / "alone", alone)), vectors)


def test_a_model_that_is_all_decoder_needs_it(tmp_path: Path) -> None:
    sizes = {"hidden_size": 8, "word_embed_proj_dim": 8, "ffn_dim": 8, "num_hidden_layers": 1}
    config = OPTConfig(vocab_size=4, num_attention_heads=2, max_position_embeddings=16, **sizes)
    place = encoder(tmp_path / "opt", OPTModel(config))
    assert use_encoder(place).shape == (2, 8)
    save_file({"nothing": torch.zeros(1)}, place / "model.safetensors", {"format": "pt"})
    assert "lacks" in refused(lambda: use_encoder(place))


@pytest.mark.parametrize("name", ["~nobody-here/model", "x" * 300])
def test_places_that_cannot_be(name: str) -> None:
    assert "cannot be looked for" in refused(lambda: resolve(name, KEY))


def test_an_index_of_no_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": 3}}')
    assert "readable model.safetensors.index.json" in refused(lambda: resolve(str(tmp_path), KEY))


@pytest.mark.parametrize(
    "values",
    [
        {"hidden_size": "x"},
        {"hidden_size": 17},
        {"num_attention_heads": 0},
        {"max_position_embeddings": "a"},
        {"hidden_act": "no such"},
        {"model_type": "no such"},
        {"item_catalogue_size": corpus_of().items},  # whose they are is missing
    ],
    ids=str,
)
def test_wrong_values_of_a_causal_model(values: dict[str, Any], tmp_path: Path) -> None:
    place = llama(tmp_path)
    change(place / "config.json", **values)
    refused(lambda: use_llama(place))


@pytest.mark.parametrize(
    "values",
    [{"d_model": "x"}, {"d_model": 17}, {"num_heads": 0}, {"dropout_rate": "a"}],
    ids=str,
)
def test_wrong_values_of_a_t5(values: dict[str, Any], tmp_path: Path) -> None:
    place = p5(tmp_path)
    change(place / "config.json", **values)
    refused(lambda: use_p5(place))


@pytest.mark.parametrize(
    ("make", "use"), [(p5, use_p5), (encoder, use_encoder)], ids=["p5", "encoder"]
)
@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tokenizer.json", "{"),
        ("tokenizer.json", "[]"),
        ("tokenizer.json", '{"version": "1.0"}'),
        ("tokenizer.json", '{"version": "1.0", "added_tokens": [], "model": {"type": "No"}}'),
        ("tokenizer_config.json", "[]"),
        ("tokenizer_config.json", "{"),
    ],
)
def test_damaged_tokenizers(
    make: Callable[[Path], Path],
    use: Callable[[Path], Any],
    file: str,
    content: str,
    tmp_path: Path,
) -> None:
    place = make(tmp_path)
    (place / file).write_text(content)
    assert "tokenizer that transformers" in refused(lambda: use(place))


def test_tokens_beyond_the_table_of_embeddings(tmp_path: Path) -> None:
    place = encoder(tmp_path / "bert")
    model = json.loads((place / "tokenizer.json").read_text())["model"]
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "a": 2, "b": 9}  # four tokens still
    change(place / "tokenizer.json", model={**model, "vocab": vocabulary})
    assert "numbers 10 tokens and its model has embeddings of 4" in refused(
        lambda: use_encoder(place)
    )
    place = p5(tmp_path / "t5")
    model = json.loads((place / "tokenizer.json").read_text())["model"]
    change(place / "tokenizer.json", model={**model, "vocab": {**model["vocab"], "99": 5000}})
    assert "numbers 5001 tokens" in refused(lambda: use_p5(place))


@pytest.mark.parametrize(
    "values", [{"hidden_size": "x"}, {"num_attention_heads": 0}, {"hidden_act": "no such"}], ids=str
)
def test_wrong_values_of_an_encoder(values: dict[str, Any], tmp_path: Path) -> None:
    place = encoder(tmp_path)
    change(place / "config.json", **values)
    refused(lambda: use_encoder(place))
