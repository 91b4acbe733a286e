import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_log import HISTORY, Small, log_of, pattern_log
from torch.utils.flop_counter import FlopCounterMode

from models.beam_search import BeamSearch
from models.corpus import Corpus
from models.errors import ModelError
from models.item_text import ItemText, fresh_tokenizer, item_numbers
from models.item_trie import ItemTrie, TrieMask
from models.llm.p5 import P5Settings, t5_flops
from models.numerics import NumericsPlan, computing
from models.popularity import popularity_order
from models.prefixes import Prefixes, calibration_prefixes
from models.training.settings import LlmRecipeSettings
from models.training.text_to_text import example_prefixes
from models.training.validation import ndcg
from models.weights import TrainingTask, Weights, obtain, train
from models.whole_word_t5 import WholeWordT5
from workloads.progress import SILENT
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings

PLAN = NumericsPlan("cpu", "any", 1)
SETTINGS = P5Settings(
    hidden=32, layers=1, heads=2, feed_forward=64, prompt_items=4, beams=6, validation_lists=60
)
VARIED = np.array([[3, 4, -1], [3, 4, 5], [3, 6, -1], [7, -1, -1], [7, 4, 8], [9, 9, 9]])
"""Codes of different lengths, some the beginning of others."""


def corpus_of(items: int = 130, users: int = 40) -> Corpus:
    log = pattern_log(users, items)
    steps = WorkloadSettings(replay_steps=4, calibration_steps=2, min_history=4, history=HISTORY)
    return Corpus(log, split(log, steps), HISTORY)


def task_of(corpus: Corpus, settings: P5Settings = SETTINGS, **recipe: object) -> TrainingTask:
    quick = {"max_epochs": 2, "batch_interactions": 64, "learning_rate": 0.01, "warmup_batches": 5}
    return TrainingTask("Train", settings, LlmRecipeSettings(**quick | recipe), corpus, 0, PLAN)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpus_of()


@pytest.fixture(scope="module")
def weights(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Weights:
    task = task_of(corpus, max_epochs=15, patience=15)
    return obtain(task, tmp_path_factory.mktemp("cache"), SILENT)


@pytest.fixture(scope="module")
def model(weights: Weights) -> WholeWordT5:
    return weights.model()


def source(model: WholeWordT5, corpus: Corpus, beams: int = 6, **changes: bool) -> BeamSearch:
    return BeamSearch(
        model, corpus, PLAN, **{"exclude_seen": True, "constrained": True} | changes, beams=beams
    )


def some_prefixes() -> Prefixes:
    """Histories of every length up to the whole context."""
    stop = 1 + np.arange(12) % 8
    return Prefixes(np.arange(12), np.maximum(0, stop - HISTORY), stop)


def exhaustive(model: WholeWordT5, corpus: Corpus, prefixes: Prefixes) -> torch.Tensor:
    """The log-probability of every item's text after each prefix, one by one and without a trie."""
    items = corpus.items
    target, real = model.text.targets(np.arange(items))
    labels = torch.from_numpy(target)
    started = torch.cat((torch.zeros(items, 1, dtype=torch.int64), labels[:, :-1]), dim=1)
    scores = []
    with torch.inference_mode():
        for i in range(len(prefixes)):
            alone = model.text.prompts(corpus.log, prefixes.part(np.array([i])))
            states, mask = model.read(alone)
            logits = model.t5(
                encoder_outputs=(states.expand(items, -1, -1),),
                attention_mask=mask.expand(items, -1),
                decoder_input_ids=started,
            ).logits
            each = logits.log_softmax(-1).gather(2, labels[:, :, None])[:, :, 0]
            scores.append((each * torch.from_numpy(real)).sum(1))
    return torch.stack(scores)


def test_items_are_numbered_as_they_first_appear_in_training() -> None:
    log = log_of([[5, 2, 7, 1, 0, 3], [2, 9, 5, 8, 4, 6]], 12)
    steps = WorkloadSettings(replay_steps=2, calibration_steps=1, min_history=3)
    # Trained on: 5 2 7 and 2 9 5; the others follow by id.
    numbers = item_numbers(Corpus(log, split(log, steps), 4))
    assert numbers[[5, 2, 7, 9]].tolist() == [10, 11, 12, 13]
    assert numbers[[0, 1, 3, 4, 6, 8, 10, 11]].tolist() == list(range(14, 22))


def test_numbers_have_equally_many_digits_and_neighbours_share_the_first() -> None:
    numbers = item_numbers(corpus_of(items=901))
    assert len({len(str(number)) for number in numbers}) == 1
    assert sorted(numbers) == list(range(1000, 1901))
    tokenizer = fresh_tokenizer()
    assert tokenizer.tokenize("item_1042 item_1043") == ["item_10", "42", "item_10", "43"]


def test_whole_word_indices_by_hand() -> None:
    log = log_of([[0]] * 123 + [[4, 1, 2, 3]], 900)
    tokenizer = fresh_tokenizer()
    text = ItemText(tokenizer, np.arange(900) + 1000, log.users, prompt_items=2)
    prefixes = Prefixes(np.array([123, 123]), np.array([0, 0]), np.array([4, 1]))
    prompts = text.prompts(log, prefixes)
    spoken = [tokenizer.convert_ids_to_tokens(row) for row in prompts.token]
    assert spoken[0] == [
        *("user_12", "3", "has", "taken", "item_10", "02", "item_10", "03"),
        *("and", "takes", "next", "</s>"),
    ]
    assert prompts.word[0].tolist() == [1, 1, 2, 3, 4, 4, 5, 5, 6, 7, 8, 0]
    assert prompts.word[1].tolist() == [1, 1, 2, 3, 4, 4, 5, 6, 7, 0, 0, 0]
    assert prompts.real[1].tolist() == [True] * 10 + [False] * 2
    assert spoken[1][10:] == ["<pad>"] * 2
    assert prompts.word.max() < text.words


def test_prompts_are_what_the_tokenizer_makes_of_the_sentence(corpus: Corpus) -> None:
    text = ItemText(fresh_tokenizer(), item_numbers(corpus), corpus.log.users, 4)
    numbers = item_numbers(corpus)
    prefixes = some_prefixes()
    prompts = text.prompts(corpus.log, prefixes)
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        newest = corpus.log.history(user)[max(prefixes.start[i], stop - 4) : stop]
        items = " ".join(f"item_{numbers[item]}" for item in newest)
        sentence = f"user_{user} has taken {items} and takes next"
        assert prompts.token[i][prompts.real[i]].tolist() == text.tokenizer(sentence)["input_ids"]


def random_codes(random: np.random.Generator) -> np.ndarray:
    lengths = random.integers(1, 5, 60)
    codes = np.where(np.arange(4) < lengths[:, None], random.integers(2, 8, (60, 4)), -1)
    return np.unique(codes, axis=0)


@pytest.mark.parametrize("seed", range(5))
def test_the_trie_is_prefix_allowed_tokens_fn(seed: int) -> None:
    from transformers import PrefixConstrainedLogitsProcessor

    random = np.random.default_rng(seed)
    codes = random_codes(random) if seed else VARIED
    vocabulary, end, rows, beams = 12, 1, 5, 7
    texts = [[*code[code >= 0].tolist(), end] for code in codes]
    seen = [random.choice(len(codes), len(codes) // 3) for _ in range(rows)]
    unseen = [[t for i, t in enumerate(texts) if i not in each] for each in seen]

    def allowed(row: int, ids: torch.Tensor) -> list[int]:
        """The definition: the next token of every unseen item that begins like this."""
        written = ids[1:].tolist()
        n = len(written)
        return sorted({text[n] for text in unseen[row] if text[:n] == written and len(text) > n})

    trie = ItemTrie(codes, end, vocabulary, "cpu")
    row = np.repeat(np.arange(rows), len(codes) // 3)
    item = np.concatenate(seen)
    pairs = np.tile(np.stack((row, item)), 2)  # a user may take an item more than once
    mask = TrieMask(trie, trie.open_nodes(rows, *torch.from_numpy(pairs)), beams)
    theirs = PrefixConstrainedLogitsProcessor(allowed, beams)
    compared = 0
    for length in range(trie.depth):
        longer = [[text[:length] for text in each if len(text) > length] for each in unseen]
        if not all(longer):
            continue
        written = [random.choice(each) for each in longer for _ in range(beams)]
        start = np.zeros((rows * beams, 1))
        ids = torch.from_numpy(np.concatenate((start, written), axis=1)).to(torch.int64)
        scores = torch.from_numpy(random.normal(size=(rows * beams, vocabulary)))
        assert torch.equal(mask(ids, scores), theirs(ids, scores))
        compared += 1
    assert compared >= 3


def test_what_cannot_become_an_item_has_no_continuation() -> None:
    trie = ItemTrie(VARIED, 1, 12, "cpu")
    none_left = torch.zeros(2, dtype=torch.int64), torch.tensor([3, 4])  # both that begin with 7
    mask = TrieMask(trie, trie.open_nodes(1, *none_left), 4)
    written = torch.tensor([[0, 7], [0, 2], [0, 1], [0, 3]])
    masked = mask(written, torch.zeros(4, 12))
    assert torch.isneginf(masked[:3]).all()
    assert torch.isfinite(masked[3]).nonzero()[:, 0].tolist() == [4, 6]


def test_leaves_of_finds_whole_items_only() -> None:
    trie = ItemTrie(VARIED, 1, 12, "cpu")
    spelled = torch.tensor([[3, 4, 1, 0], [3, 4, 5, 1], [3, 4, 5, 0], [7, 4, 1, 0], [2, 2, 2, 2]])
    assert trie.item[trie.leaves_of(spelled)].tolist() == [0, 1, -1, -1, -1]


def test_two_items_of_the_same_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="same tokens"):
        ItemTrie(np.array([[3, 4], [3, 4]]), 1, 12, "cpu")


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_constrained_lists_are_full_of_different_unseen_items(
    model: WholeWordT5, corpus: Corpus, exclude_seen: bool
) -> None:
    prefixes = some_prefixes()
    found = source(model, corpus, beams=6, exclude_seen=exclude_seen).lists(prefixes, 6)
    assert found.invalid == 0
    scores = exhaustive(model, corpus, prefixes)
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        assert len(set(found.item[i])) == 6
        if exclude_seen:
            assert not set(found.item[i]) & set(corpus.log.history(user)[:stop])
        torch.testing.assert_close(
            torch.from_numpy(found.score[i]), scores[i, found.item[i]], rtol=0, atol=1e-4
        )
        assert (np.diff(found.score[i]) <= 0).all()


@pytest.mark.parametrize("items", [30, 130], ids=["one token", "two tokens"])
def test_enough_beams_are_exhaustive_scoring(items: int) -> None:
    corpus = corpus_of(items)
    with computing(PLAN, 7):
        model = SETTINGS.build(corpus).eval()
    prefixes = some_prefixes()
    count = items - 8
    beams = source(model, corpus, beams=items)
    found = beams.lists(prefixes, count)
    scores = exhaustive(model, corpus, prefixes)
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        scores[i, corpus.log.history(user)[:stop].astype(np.int64)] = -torch.inf
    best, order = scores.sort(dim=1, descending=True, stable=True)
    assert np.array_equal(found.item, order[:, :count].numpy())
    torch.testing.assert_close(torch.from_numpy(found.score), best[:, :count], rtol=0, atol=1e-4)
    taken = order[:, 3].numpy()
    assert beams.ranks(prefixes, taken).tolist() == [4] * len(prefixes)
    seen = corpus.log.items[corpus.log.offsets[prefixes.user]].astype(np.int64)
    assert beams.ranks(prefixes, seen).tolist() == [0] * len(prefixes)


def test_fewer_beams_than_the_tree_is_wide_find_the_best_of_a_trained_model(
    model: WholeWordT5, corpus: Corpus
) -> None:
    prefixes = some_prefixes()
    found = source(model, corpus, beams=20, exclude_seen=False).lists(prefixes, 1).item[:, 0]
    best = exhaustive(model, corpus, prefixes).argmax(dim=1)
    assert np.array_equal(found, best.numpy())


def test_unconstrained_beams_drop_count_and_fill_up(corpus: Corpus) -> None:
    with computing(PLAN, 7):
        model = SETTINGS.build(corpus).eval()  # untrained: writes mostly what is no item
    prefixes = some_prefixes()
    beams = source(model, corpus, beams=6, constrained=False)
    found = beams.lists(prefixes, 6)
    assert 0 < found.invalid <= 6 * len(prefixes)
    popular = popularity_order(corpus.log, corpus.split)
    kept = 0
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        seen = set(corpus.log.history(user)[:stop].tolist())
        assert len(set(found.item[i])) == 6
        assert not set(found.item[i].tolist()) & seen
        assert (np.diff(found.score[i]) <= 0).all()
        assert np.isfinite(found.score[i]).all()
        proposed = [
            item
            for item in found.item[i]
            if beams.ranks(prefixes.part(np.array([i])), np.array([item]))[0]
        ]
        assert proposed == found.item[i].tolist()[: len(proposed)]
        filling = [item for item in popular if item not in seen and item not in proposed]
        assert found.item[i].tolist()[len(proposed) :] == filling[: 6 - len(proposed)]
        kept += len(proposed)
    assert found.invalid <= 6 * len(prefixes) - kept


def test_unconstrained_beams_of_a_trained_model_are_mostly_items(
    model: WholeWordT5, corpus: Corpus
) -> None:
    prefixes = some_prefixes()
    free = source(model, corpus, constrained=False, exclude_seen=False).lists(prefixes, 6)
    bound = source(model, corpus, exclude_seen=False).lists(prefixes, 6)
    assert free.invalid < 3 * len(prefixes)
    assert np.array_equal(free.item[:, 0], bound.item[:, 0])


def test_lists_and_ranks_search_once(
    model: WholeWordT5, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    generate = model.t5.generate

    def counted(**arguments: object) -> object:
        searched.append(len(arguments["attention_mask"]))
        return generate(**arguments)

    monkeypatch.setattr(model.t5, "generate", counted)
    beams, prefixes = source(model, corpus), some_prefixes()
    beams.ranks(prefixes.part(np.arange(5)), np.arange(5))
    lists = beams.lists(prefixes, 6)
    rank = beams.ranks(prefixes, lists.item[:, 2].astype(np.int64))
    assert rank.tolist() == [3] * len(prefixes)
    assert sum(searched) == len(prefixes)


def test_a_list_does_not_depend_on_what_else_is_asked(model: WholeWordT5, corpus: Corpus) -> None:
    prefixes = some_prefixes()
    together = source(model, corpus).lists(prefixes, 6)
    for i in range(len(prefixes)):
        alone = source(model, corpus).lists(prefixes.part(np.array([i])), 6)
        assert np.array_equal(alone.item[0], together.item[i])
        np.testing.assert_allclose(alone.score[0], together.score[i], rtol=0, atol=1e-4)


def test_prompts_can_be_read_in_bfloat16(model: WholeWordT5, corpus: Corpus) -> None:
    prefixes, reduced = some_prefixes(), replace(PLAN, dtype="bfloat16")
    exact = source(model, corpus).lists(prefixes, 6)
    found = BeamSearch(model, corpus, reduced, True, 6, True).lists(prefixes, 6)
    assert found.invalid == 0
    assert not np.array_equal(found.score, exact.score)
    np.testing.assert_allclose(found.score[:, 0], exact.score[:, 0], rtol=0.05)


def training_hash(task: TrainingTask) -> str:
    model, result = train(task, SILENT)
    digest = hashlib.sha256(repr(result).encode())
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_bytes(corpus: Corpus) -> None:
    task = task_of(corpus, max_epochs=1)
    first = training_hash(task)
    assert training_hash(task) == first
    assert training_hash(replace(task, seed=1)) != first


def test_epochs_walk_through_all_positions(corpus: Corpus, model: WholeWordT5) -> None:
    positions = example_prefixes(corpus)
    assert len(positions) == int((corpus.split.train_stop - 1).sum())
    limited = SETTINGS.model_copy(update={"examples_per_epoch": 50, "validation_lists": 1})
    objective = limited.objective(model, corpus, LlmRecipeSettings(), PLAN, 0)
    trained = []
    text, targets = model.text, model.text.targets
    try:
        text.targets = lambda items: trained.append(items) or targets(items)
        for _ in range(-(-len(positions) // 50)):
            objective.loss(np.arange(len(objective.targets)))
            objective.validate()
    finally:
        del text.targets
    walked = np.concatenate(trained)[: len(positions)]
    assert sorted(walked) == sorted(positions.taken(corpus.log))


def test_training_learns_the_pattern(small: Small, tmp_path: Path) -> None:
    corpus = Corpus(small.log, small.split, HISTORY)
    model = obtain(task_of(corpus, max_epochs=12, patience=12), tmp_path, SILENT).model()
    prefixes = calibration_prefixes(small.split, HISTORY, 1000)
    taken = prefixes.taken(small.log)
    reached = ndcg(source(model, corpus, beams=10).ranks(prefixes, taken), 10)
    uniform = sum(1 / np.log2(1 + rank) for rank in range(1, 11)) / 30
    assert reached > 2 * uniform


def test_plain_transformers_loads_the_directory_and_gives_the_same_logits(
    weights: Weights, corpus: Corpus, model: WholeWordT5
) -> None:
    from transformers import AutoTokenizer, T5ForConditionalGeneration

    directory = weights.entry.directory
    tokenizer = AutoTokenizer.from_pretrained(directory)
    t5 = T5ForConditionalGeneration.from_pretrained(directory).eval()
    whole_word = load_file(directory / "whole_word.safetensors")["weight"]
    number = item_numbers(corpus)
    history = corpus.log.history(3)[:4]
    sentence = "user_3 has taken " + " ".join(f"item_{number[i]}" for i in history)
    prompt = tokenizer(sentence + " and takes next", return_tensors="pt")
    words = torch.tensor([[1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 0]])
    target = tokenizer(f"item_{number[5]}", return_tensors="pt").input_ids
    own, real = model.text.targets(np.array([5]))
    assert torch.equal(torch.from_numpy(own), target)
    with torch.inference_mode():
        embedded = t5.get_input_embeddings()(prompt.input_ids) + whole_word[words]
        theirs = t5(inputs_embeds=embedded, labels=target)
        prefixes = Prefixes(np.array([3]), np.array([0]), np.array([4]))
        mine = model.loss(model.text.prompts(corpus.log, prefixes), own, real)
        states, _ = model.read(model.text.prompts(corpus.log, prefixes))
        again = model.t5(encoder_outputs=(states,), labels=target)
    torch.testing.assert_close(again.logits, theirs.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(mine, theirs.loss, rtol=0, atol=1e-5)
    assert weights.entry.facts["parameters"] == sum(
        value.numel()
        for file in ("model.safetensors", "whole_word.safetensors")
        for value in load_file(directory / file).values()
    )


def test_flops_are_those_that_torch_counts(corpus: Corpus, model: WholeWordT5) -> None:
    written, beams = 3, 5
    prompts = model.text.prompts(corpus.log, some_prefixes().part(np.array([5])))
    tokens = prompts.token.shape[1]
    start = torch.zeros(beams, written, dtype=torch.int64)
    model.t5.set_attn_implementation("eager")  # torch counts no fused attention of a CPU
    with torch.inference_mode(), FlopCounterMode(display=False) as read:
        states, _ = model.read(prompts)
    with torch.inference_mode(), FlopCounterMode(display=False) as wrote:
        model.t5(encoder_outputs=(states.expand(beams, -1, -1),), decoder_input_ids=start)
    model.t5.set_attn_implementation("sdpa")
    config = model.t5.config
    width, inner = config.d_model, config.num_heads * config.d_kv
    # torch computes keys and values of the prompt for every beam, and masked attention in full.
    per_beam = config.num_decoder_layers * 4 * width * inner * tokens * (beams - 1)
    masked = config.num_decoder_layers * 4 * inner * beams * written * (written - 1) // 2
    counted = read.get_total_flops() + wrote.get_total_flops() - per_beam - masked
    assert t5_flops(config, tokens, written, beams) == counted


def test_a_request_counts_prompt_and_sequential_tokens(corpus: Corpus) -> None:
    cost = SETTINGS.request_cost(corpus, 6)
    # user_0 .. user_39 are one token each; 4 items of 2; 5 words and the end.
    assert (cost.prompt_tokens, cost.decode_tokens) == (1 + 4 * 2 + 5 + 1, 3)
    assert SETTINGS.request_cost(corpus, 12).flops > cost.flops


def saved(weights: Weights, directory: Path) -> Path:
    """A directory as a user has it, without what is the testbed's own."""
    shutil.copytree(weights.entry.directory, directory)
    (directory / "whole_word.safetensors").unlink()
    return directory


def test_pretrained_weights_begin_where_they_were(
    weights: Weights, corpus: Corpus, model: WholeWordT5, tmp_path: Path
) -> None:
    directory = saved(weights, tmp_path / "t5")
    settings = P5Settings(weights=str(directory), prompt_items=4, beams=6, validation_lists=20)
    settings.check(corpus)
    built = settings.build(corpus)
    for name, value in model.t5.state_dict().items():
        assert torch.equal(built.t5.state_dict()[name], value)
    task = task_of(corpus, settings, max_epochs=1)
    moved = shutil.copytree(directory, tmp_path / "elsewhere")
    elsewhere = settings.model_copy(update={"weights": str(moved)})
    assert elsewhere.identity() == settings.identity()
    obtained = obtain(task, tmp_path / "cache", SILENT)
    assert obtained.model().t5.config.d_model == SETTINGS.hidden
    (moved / "config.json").write_text((moved / "config.json").read_text() + "\n")
    assert elsewhere.identity() != settings.identity()


def test_a_tokenizer_of_word_pieces_is_read_and_written(
    weights: Weights, corpus: Corpus, tmp_path: Path
) -> None:
    """A tokenizer in the way of T5's: words begin with a mark, items have unequal lengths."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    directory = saved(weights, tmp_path / "t5")
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
    settings.check(corpus)
    model = settings.build(corpus).eval()
    lengths = (model.text.codes() >= 0).sum(axis=1)
    assert len(set(lengths)) > 1
    prefixes = some_prefixes()
    prompts = model.text.prompts(corpus.log, prefixes)
    pieces = model.text.tokenizer.convert_ids_to_tokens(prompts.token[0][prompts.real[0]])
    started = np.cumsum([piece.startswith("▁") for piece in pieces])
    started[-1] = 0
    assert prompts.word[0][prompts.real[0]].tolist() == started.tolist()
    found = source(model, corpus, beams=130).lists(prefixes, 20)
    scores = exhaustive(model, corpus, prefixes)
    for i, (user, stop) in enumerate(zip(prefixes.user, prefixes.stop, strict=True)):
        scores[i, corpus.log.history(user)[:stop].astype(np.int64)] = -torch.inf
    assert np.array_equal(found.item, scores.sort(dim=1, descending=True).indices[:, :20].numpy())


def refused(corpus: Corpus, directory: Path | str) -> str:
    with pytest.raises(ModelError) as raised:
        P5Settings(weights=str(directory)).check(corpus)
    assert raised.value.key == "models.llm.weights"
    assert "\n" not in raised.value.message
    assert "accepted" in raised.value.message
    return raised.value.message


def test_weights_that_cannot_be_used_are_refused_in_one_line(
    weights: Weights, corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/nowhere/t5" in refused(corpus, "/nowhere/t5")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "offline" in refused(corpus, "nobody/no-such-t5").lower()

    other = saved(weights, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))
    assert "llama" in refused(corpus, other)

    without = saved(weights, tmp_path / "without")
    (without / "tokenizer.json").unlink()
    assert "tokenizer" in refused(corpus, without)

    larger = saved(weights, tmp_path / "larger")
    tokenizer = fresh_tokenizer()
    tokenizer.add_tokens(["one", "more"])
    tokenizer.save_pretrained(larger)
    assert "320 tokens" in refused(corpus, larger)
    assert "318" in refused(corpus, larger)

    partial = saved(weights, tmp_path / "partial")
    from safetensors.torch import save_file

    tensors = load_file(partial / "model.safetensors")
    del tensors["decoder.final_layer_norm.weight"]
    save_file(tensors, partial / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"decoder\.final_layer_norm\.weight"):
        P5Settings(weights=str(partial)).build(corpus)


def test_a_tokenizer_that_writes_items_alike_is_refused(weights: Weights, tmp_path: Path) -> None:
    directory = saved(weights, tmp_path / "t5")
    path = directory / "tokenizer.json"
    tokenizer = json.loads(path.read_text())
    del tokenizer["model"]["vocab"]["10"]
    del tokenizer["model"]["vocab"]["11"]
    path.write_text(json.dumps(tokenizer))
    assert "alike" in refused(corpus_of(items=1200, users=60), directory)


def test_another_loss_is_refused(corpus: Corpus, model: WholeWordT5) -> None:
    recipe = LlmRecipeSettings(loss="binary_cross_entropy")
    with pytest.raises(ModelError, match="accepted: softmax"):
        SETTINGS.objective(model, corpus, recipe, PLAN, 0)


def test_sizes_beside_weights_and_uneven_heads_are_refused() -> None:
    with pytest.raises(ValueError, match="weights and hidden"):
        P5Settings(weights="somewhere/t5", hidden=64)
    with pytest.raises(ValueError, match="must be a multiple of heads"):
        P5Settings(hidden=10, heads=4)
