import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from small_log import FIRST_LIST_AGE, HISTORY, Small, tiny_settings
from small_p5 import PLAN, SETTINGS, corpus_of, exhaustive, some_prefixes, source, task_of
from torch.utils.flop_counter import FlopCounterMode

from models.corpus import Corpus
from models.errors import ModelError
from models.item_text import fresh_tokenizer, item_numbers
from models.llm.p5 import P5Settings, t5_flops
from models.numerics import computing
from models.prefixes import Prefixes, calibration_prefixes
from models.preparation import PreparedModels, prepare
from models.training.settings import LlmRecipeSettings
from models.training.text_to_text import example_prefixes
from models.training.validation import ndcg
from models.training_lists import ListTask, obtain_lists
from models.weights import TrainingTask, Weights, obtain, train
from models.whole_word_t5 import WholeWordT5
from workloads.content_cache import Entry
from workloads.progress import SILENT


def training_hash(task: TrainingTask) -> str:
    model, result = train(task, SILENT)
    digest = hashlib.sha256(repr(result).encode())
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_bytes(p5_corpus: Corpus) -> None:
    task = task_of(p5_corpus, max_epochs=1)
    first = training_hash(task)
    assert training_hash(task) == first
    assert training_hash(replace(task, seed=1)) != first


def test_epochs_walk_through_all_positions(p5_corpus: Corpus, p5_model: WholeWordT5) -> None:
    positions = example_prefixes(p5_corpus)
    assert len(positions) == int((p5_corpus.split.train_stop - 1).sum())
    limited = SETTINGS.model_copy(update={"examples_per_epoch": 50, "validation_lists": 1})
    objective = limited.objective(p5_model, p5_corpus, LlmRecipeSettings(), PLAN, 0)
    trained = []
    text, targets = p5_model.text, p5_model.text.targets
    try:
        text.targets = lambda items: trained.append(items) or targets(items)
        for _ in range(-(-len(positions) // 50)):
            objective.loss(np.arange(len(objective.targets)))
            objective.validate()
    finally:
        del text.targets
    walked = np.concatenate(trained)[: len(positions)]
    assert sorted(walked) == sorted(positions.taken(p5_corpus.log))


def test_training_learns_the_pattern(small: Small, tmp_path: Path) -> None:
    corpus = Corpus(small.log, small.split, HISTORY)
    model = obtain(task_of(corpus, max_epochs=12, patience=12), tmp_path, SILENT).model()
    prefixes = calibration_prefixes(small.split, HISTORY, 1000)
    taken = prefixes.taken(small.log)
    reached = ndcg(source(model, corpus, beams=10).ranks(prefixes, taken), 10)
    uniform = sum(1 / np.log2(1 + rank) for rank in range(1, 11)) / 30
    assert reached > 2 * uniform


def test_plain_transformers_loads_the_directory_and_gives_the_same_logits(
    p5_weights: Weights, p5_corpus: Corpus, p5_model: WholeWordT5
) -> None:
    from transformers import AutoTokenizer, T5ForConditionalGeneration

    directory = p5_weights.entry.directory
    tokenizer = AutoTokenizer.from_pretrained(directory)
    t5 = T5ForConditionalGeneration.from_pretrained(directory).eval()
    whole_word = load_file(directory / "whole_word.safetensors")["weight"]
    number = item_numbers(p5_corpus)
    history = p5_corpus.log.history(3)[:4]
    sentence = "user_3 has taken " + " ".join(f"item_{number[i]}" for i in history)
    prompt = tokenizer(sentence + " and takes next", return_tensors="pt")
    words = torch.tensor([[1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 0]])
    target = tokenizer(f"item_{number[5]}", return_tensors="pt").input_ids
    own, real = p5_model.text.targets(np.array([5]))
    assert torch.equal(torch.from_numpy(own), target)
    with torch.inference_mode():
        embedded = t5.get_input_embeddings()(prompt.input_ids) + whole_word[words]
        theirs = t5(inputs_embeds=embedded, labels=target)
        prefixes = Prefixes(np.array([3]), np.array([0]), np.array([4]))
        mine = p5_model.loss(p5_model.text.prompts(p5_corpus.log, prefixes), own, real)
        states, _ = p5_model.read(p5_model.text.prompts(p5_corpus.log, prefixes))
        again = p5_model.t5(encoder_outputs=(states,), labels=target)
    torch.testing.assert_close(again.logits, theirs.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(mine, theirs.loss, rtol=0, atol=1e-5)
    assert p5_weights.entry.facts["parameters"] == sum(
        value.numel()
        for file in ("model.safetensors", "whole_word.safetensors")
        for value in load_file(directory / file).values()
    )


def test_flops_are_those_that_torch_counts(p5_corpus: Corpus, p5_model: WholeWordT5) -> None:
    written, beams = 3, 5
    prompts = p5_model.text.prompts(p5_corpus.log, some_prefixes().part(np.array([5])))
    tokens = prompts.token.shape[1]
    start = torch.zeros(beams, written, dtype=torch.int64)
    p5_model.t5.set_attn_implementation("eager")  # torch counts no fused attention of a CPU
    with torch.inference_mode(), FlopCounterMode(display=False) as read:
        states, _ = p5_model.read(prompts)
    with torch.inference_mode(), FlopCounterMode(display=False) as wrote:
        p5_model.t5(encoder_outputs=(states.expand(beams, -1, -1),), decoder_input_ids=start)
    p5_model.t5.set_attn_implementation("sdpa")
    config = p5_model.t5.config
    width, inner = config.d_model, config.num_heads * config.d_kv
    # torch computes keys and values of the prompt for every beam, and masked attention in full.
    per_beam = config.num_decoder_layers * 4 * width * inner * tokens * (beams - 1)
    masked = config.num_decoder_layers * 4 * inner * beams * written * (written - 1) // 2
    counted = read.get_total_flops() + wrote.get_total_flops() - per_beam - masked
    assert t5_flops(config, tokens, written, beams) == counted


def test_a_request_counts_prompt_and_sequential_tokens(p5_corpus: Corpus) -> None:
    cost = SETTINGS.request_cost(p5_corpus, 6)
    # user_0 .. user_39 are one token each; 4 items of 2; 5 words and the end.
    assert (cost.prompt_tokens, cost.decode_tokens) == (1 + 4 * 2 + 5 + 1, 3)
    assert SETTINGS.request_cost(p5_corpus, 12).flops > cost.flops


def saved(weights: Weights, directory: Path) -> Path:
    """A directory as a user has it, without what is the testbed's own."""
    shutil.copytree(weights.entry.directory, directory)
    (directory / "whole_word.safetensors").unlink()
    return directory


def test_pretrained_weights_begin_where_they_were(
    p5_weights: Weights, p5_corpus: Corpus, p5_model: WholeWordT5, tmp_path: Path
) -> None:
    directory = saved(p5_weights, tmp_path / "t5")
    settings = P5Settings(weights=str(directory), prompt_items=4, beams=6, validation_lists=20)
    settings.check(p5_corpus)
    built = settings.build(p5_corpus)
    for name, value in p5_model.t5.state_dict().items():
        assert torch.equal(built.t5.state_dict()[name], value)
    task = task_of(p5_corpus, settings, max_epochs=1)
    moved = shutil.copytree(directory, tmp_path / "elsewhere")
    elsewhere = settings.model_copy(update={"weights": str(moved)})
    assert elsewhere.identity() == settings.identity()
    obtained = obtain(task, tmp_path / "cache", SILENT)
    assert obtained.model().t5.config.d_model == SETTINGS.hidden
    (moved / "config.json").write_text((moved / "config.json").read_text() + "\n")
    assert elsewhere.identity() != settings.identity()


def test_a_tokenizer_of_word_pieces_is_read_and_written(
    p5_weights: Weights, p5_corpus: Corpus, tmp_path: Path
) -> None:
    """A tokenizer in the way of T5's: words begin with a mark, items have unequal lengths."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    directory = saved(p5_weights, tmp_path / "t5")
    pieces = ["▁item", "▁user", "_", "▁has", "▁taken", "▁and", "▁takes", "▁next", "▁"]
    pieces += [str(number) for number in range(10)] + ["10", "11", "100", "101"]
    scores = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    scores += [(piece, -1.0 - 0.01 * i) for i, piece in enumerate(pieces)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=2))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(directory)
    settings = P5Settings(weights=str(directory), prompt_items=4, beams=130)
    settings.check(p5_corpus)
    with computing(PLAN, 7):
        model = settings.build(p5_corpus).eval()
    lengths = (model.text.codes() >= 0).sum(axis=1)
    assert len(set(lengths)) > 1
    prefixes = some_prefixes()
    prompts = model.text.prompts(p5_corpus.log, prefixes)
    pieces = model.text.tokenizer.convert_ids_to_tokens(prompts.token[0][prompts.real[0]])
    started = np.cumsum([piece.startswith("▁") for piece in pieces])
    started[-1] = 0
    assert prompts.word[0][prompts.real[0]].tolist() == started.tolist()
    found = source(model, p5_corpus, beams=130).lists(prefixes, 20)
    scores = exhaustive(model, p5_corpus, prefixes)
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        scores[i, p5_corpus.log.history(user)[:stop].astype(np.int64)] = -torch.inf
    assert np.array_equal(found.item, scores.sort(dim=1, descending=True).indices[:, :20].numpy())


def refused(corpus: Corpus, directory: Path | str) -> str:
    with pytest.raises(ModelError) as raised:
        P5Settings(weights=str(directory)).check(corpus)
    assert raised.value.key == "models.llm.weights"
    assert "\n" not in raised.value.message
    assert "accepted" in raised.value.message
    return raised.value.message


def test_weights_that_cannot_be_used_are_refused_in_one_line(
    p5_weights: Weights, p5_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/nowhere/t5" in refused(p5_corpus, "/nowhere/t5")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "offline" in refused(p5_corpus, "nobody/no-such-t5").lower()

    other = saved(p5_weights, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))
    assert "llama" in refused(p5_corpus, other)

    without = saved(p5_weights, tmp_path / "without")
    (without / "tokenizer.json").unlink()
    assert "tokenizer" in refused(p5_corpus, without)

    larger = saved(p5_weights, tmp_path / "larger")
    tokenizer = fresh_tokenizer()
    tokenizer.add_tokens(["one", "more"])
    tokenizer.save_pretrained(larger)
    assert "320 tokens" in refused(p5_corpus, larger)
    assert "318" in refused(p5_corpus, larger)

    partial = saved(p5_weights, tmp_path / "partial")
    tensors = load_file(partial / "model.safetensors")
    del tensors["decoder.final_layer_norm.weight"]
    save_file(tensors, partial / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"decoder\.final_layer_norm\.weight"):
        P5Settings(weights=str(partial)).build(p5_corpus)


def test_a_tokenizer_that_writes_items_alike_is_refused(
    p5_weights: Weights, tmp_path: Path
) -> None:
    directory = saved(p5_weights, tmp_path / "t5")
    path = directory / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    del tokenizer["model"]["vocab"]["10"]
    del tokenizer["model"]["vocab"]["11"]
    path.write_text(json.dumps(tokenizer))
    assert "alike" in refused(corpus_of(items=1200, users=60), directory)


def test_another_loss_is_refused(p5_corpus: Corpus, p5_model: WholeWordT5) -> None:
    recipe = LlmRecipeSettings(loss="binary_cross_entropy")
    with pytest.raises(ModelError, match="accepted: softmax"):
        SETTINGS.objective(p5_model, p5_corpus, recipe, PLAN, 0)


def test_sizes_beside_weights_and_uneven_heads_are_refused() -> None:
    with pytest.raises(ValueError, match="weights and hidden"):
        P5Settings(weights="somewhere/t5", hidden=64)
    with pytest.raises(ValueError, match="must be a multiple of heads"):
        P5Settings(hidden=10, heads=4)


def test_without_the_constraint_the_weights_are_the_same_and_the_lists_are_others(
    small: Small, tmp_path: Path
) -> None:
    recipe = {"max_epochs": 1, "learning_rate": 0.01}

    def prepared(**changes: object) -> PreparedModels:
        llm = SETTINGS.model_copy(update=changes).model_dump()
        settings = tiny_settings(llm=llm, training={"srm": recipe, "llm": recipe})
        return prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, settings, tmp_path)

    def entries(kind: str) -> int:
        return len(list((tmp_path / kind).iterdir()))

    constrained = prepared()
    free = prepared(constrained=False)
    assert (entries("weights"), entries("outcomes")) == (2, 2)
    assert (free.train_s, free.llm.hash) == (0.0, constrained.llm.hash)
    assert free.infer_s > 0
    assert free.invalid_share > constrained.invalid_share == 0
    assert not constrained.outcomes.signal("invalid_candidates").any()
    steps = free.outcomes.steps
    invalid = free.outcomes.fresh_signal("invalid_candidates")
    assert ((invalid[:, : steps + 1] > 0) & (invalid[:, : steps + 1] <= 8)).all()
    assert not invalid[:, steps + 1].any()  # the popular list has none
    lasting = free.outcomes.signal("invalid_candidates")
    for row, first in enumerate([*range(steps), 0, 0]):
        cells = free.outcomes.cell_offset[row] + np.arange(first, steps)
        assert (lasting[:, cells] == invalid[:, [row]]).all()
    prefixes = some_prefixes()
    tasks = [ListTask(models.llm, prefixes, 8, True, PLAN) for models in (constrained, free)]
    lists = [obtain_lists(task, "List", tmp_path, SILENT) for task in tasks]
    assert entries("lists") == 2
    assert lists[0].content_hash != lists[1].content_hash
    # What stops the training decides the weights: so many beams, and always constrained ones.
    assert prepared(beams=5).llm.train_s > 0


def test_other_whole_word_embeddings_are_other_weights(p5_weights: Weights, tmp_path: Path) -> None:
    entry = p5_weights.entry
    directory = shutil.copytree(entry.directory, tmp_path / "weights" / entry.directory.name)
    assert obtain(p5_weights.task, tmp_path, SILENT).hash == p5_weights.hash
    path = directory / "whole_word.safetensors"
    save_file({"weight": load_file(path)["weight"] + 1}, path)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    other = replace(
        p5_weights, entry=Entry(directory, entry.facts, entry.hashes | {path.name: content})
    )
    assert other.hash != p5_weights.hash
    tasks = [ListTask(each, some_prefixes(), 8, True, PLAN) for each in (p5_weights, other)]
    assert tasks[0].identity(tasks[0].prefixes) != tasks[1].identity(tasks[1].prefixes)
    card = p5_weights.card(6, 6)
    assert card.weights_hash == p5_weights.hash
    assert card.weights_bytes >= 4 * card.parameters
