from dataclasses import replace

import numpy as np
import pytest
import torch
from small_log import log_of
from torch.utils.flop_counter import FlopCounterMode

from models.architecture import Architecture
from models.corpus import Corpus
from models.llm.causal import CausalLm, CausalLmSettings
from models.numerics import NumericsPlan
from models.recommender import Recommender
from models.srm.din import Din, DinSettings
from models.srm.gru4rec import Gru4RecSettings
from models.srm.sasrec import SasRecSettings
from models.training.next_item import NextItem
from models.training.settings import RecipeSettings
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings

ITEMS, POSITIONS = 30, 12
CAUSAL = [
    SasRecSettings(hidden=16, layers=2),
    Gru4RecSettings(hidden=16, recurrent=24, layers=2),
    CausalLmSettings(hidden=16, layers=2, heads=2, intermediate=32),
]
DIN = DinSettings(hidden=16, unit=6, output=10)
SETTINGS = [*CAUSAL, DIN, DinSettings(hidden=16, unit=6, output=10, recency=False)]


def kind_of(settings: Architecture) -> str:
    paper = getattr(settings, "recency", True)
    return settings.model_dump()["kind"] + ("" if paper else " as in the paper")


def built(settings: Architecture) -> Recommender:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = settings.build(corpus()).eval()
        if isinstance(model, Din) and model.recency.requires_grad:
            torch.nn.init.uniform_(model.recency, 0.2, 1.8)  # as if trained
        return model


@pytest.fixture(params=SETTINGS, ids=kind_of)
def model(request: pytest.FixtureRequest) -> Recommender:
    return built(request.param)


def corpus() -> Corpus:
    log = log_of([list(range(ITEMS))], ITEMS)
    steps = WorkloadSettings(replay_steps=4, calibration_steps=2, min_history=4)
    return Corpus(log, split(log, steps), POSITIONS - 4)


def drawn(*shape: int, seed: int = 2) -> torch.Tensor:
    return torch.randint(ITEMS, shape, generator=torch.Generator().manual_seed(seed))


def histories(rows: int = 5, length: int = 10) -> torch.Tensor:
    return drawn(rows, length)


def after_all_steps(model: Recommender, items: torch.Tensor, steps: int) -> torch.Tensor:
    """Return the logits of the catalogue after the first positions, in one pass: [B, S, items]."""
    rows = len(items)
    everything = torch.arange(ITEMS).expand(rows, ITEMS)
    return model.score(model.encode(items), torch.arange(steps).expand(rows, steps), everything)


@torch.inference_mode()
def test_later_items_change_no_earlier_score(model: Recommender) -> None:
    before = histories()
    after = before.clone()
    after[:, 6:] = (after[:, 6:] + 7) % ITEMS
    old, new = after_all_steps(model, before, 7), after_all_steps(model, after, 7)
    torch.testing.assert_close(old[:, :6], new[:, :6], rtol=0, atol=1e-5)
    assert (old[:, 6] - new[:, 6]).abs().max() > 1e-3


@torch.inference_mode()
def test_one_pass_is_a_pass_for_each_step(model: Recommender) -> None:
    items = histories()
    at_once = after_all_steps(model, items, items.shape[1])
    everything = torch.arange(ITEMS).expand(len(items), ITEMS)
    for step in range(items.shape[1]):
        read = model.encode(items[:, : step + 1])
        alone = model.score(read, torch.full((len(items), 1), step), everything)
        torch.testing.assert_close(at_once[:, [step]], alone, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_padding_changes_no_score(model: Recommender) -> None:
    items = histories(length=7)
    padded = torch.cat((items, torch.full((len(items), 5), ITEMS)), dim=1)
    torch.testing.assert_close(
        after_all_steps(model, items, 7), after_all_steps(model, padded, 7), rtol=0, atol=1e-5
    )


@torch.inference_mode()
def test_the_ways_to_score_agree(model: Recommender) -> None:
    encoded = model.encode(histories())
    steps = torch.tensor([[2, 5], [9, 0], [1, 1], [8, 3], [4, 7]])
    candidates = drawn(5, 4, seed=3)
    scored = model.score(encoded, steps, candidates)
    assert scored.shape == (5, 2, 4)
    row, step = torch.arange(5).repeat_interleave(2), steps.flatten()
    lists = model.score_lists(encoded, row, step, candidates[row])
    torch.testing.assert_close(scored.flatten(0, 1), lists, rtol=0, atol=1e-5)
    everything = model.score_catalogue(encoded, row, step)
    assert everything.shape == (10, ITEMS)
    torch.testing.assert_close(lists, everything.gather(1, candidates[row]), rtol=0, atol=1e-5)


@torch.inference_mode()
def test_din_scans_a_catalogue_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model, row, step = built(DIN), torch.tensor([3, 0, 3]), torch.tensor([4, 9, 6])
    encoded = model.encode(histories())
    whole = model.score_catalogue(encoded, row, step)
    monkeypatch.setattr("models.srm.din.ELEMENTS", 1000)
    torch.testing.assert_close(model.score_catalogue(encoded, row, step), whole, rtol=0, atol=1e-6)


@torch.inference_mode()
@pytest.mark.parametrize("recency", [True, False])
def test_din_is_the_papers_network_on_each_history_and_candidate(recency: bool) -> None:
    model = built(DIN.model_copy(update={"recency": recency}))
    assert isinstance(model, Din)
    items, unit, table = histories(rows=1)[0], model.attention, model.item_embedding.weight
    for candidate in (0, 7, 29):
        c = table[candidate]
        user = torch.zeros_like(c)
        for ago, item in enumerate(reversed(items.tolist())):
            h = table[item]
            first = unit.history(h) + unit.candidate @ c + unit.product @ (h * c)
            user += model.recency[ago] * unit.weight(unit.slope(first)) * h
        hidden = (
            model.output_user(user) + model.output_candidate(c) + model.output_product(user * c)
        )
        expected = model.logit(model.output_slope(hidden))
        scored = model.score(
            model.encode(items[None]), torch.tensor([[9]]), torch.tensor([[candidate]])
        )
        torch.testing.assert_close(scored.flatten(), expected, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_a_set_of_interactions_has_no_order_in_the_papers_din() -> None:
    items = histories()
    shuffled = items[:, [3, 0, 7, 1, 9, 2, 8, 4, 6, 5]]
    last, candidates = torch.full((5, 1), 9), drawn(5, 4, seed=3)
    for recency in (False, True):
        model = built(DIN.model_copy(update={"recency": recency}))
        scores = [model.score(model.encode(each), last, candidates) for each in (items, shuffled)]
        assert torch.allclose(*scores, atol=1e-5) != recency


@torch.inference_mode()
def test_reading_does_not_depend_on_what_a_device_re_trains(model: Recommender) -> None:
    items, last = histories(), torch.full((5, 1), 9)
    read = model.encode(items)
    before = model.score(read, last, items)
    adapted = [
        value
        for name, value in model.named_parameters()
        if name.startswith(model.adapted) and model.adapted
    ]
    if not isinstance(model, CausalLm):
        assert (
            0
            < sum(value.numel() for value in adapted)
            <= sum(value.numel() for value in model.parameters() if value.requires_grad)
        )
    for value in adapted:
        value += 0.5
    assert torch.equal(model.encode(items), read)
    if adapted:
        assert not torch.allclose(model.score(read, last, items), before)


@pytest.mark.parametrize(
    ("settings", "loss"),
    [
        (CAUSAL[0], "binary_cross_entropy"),
        (CAUSAL[1], "binary_cross_entropy"),
        (DIN, "binary_cross_entropy"),
        (DIN, "softmax"),
    ],
    ids=lambda value: value if isinstance(value, str) else kind_of(value),
)
def test_sampled_losses_are_those_of_each_target_and_its_windows_negatives(
    settings: Architecture, loss: str
) -> None:
    model = built(settings)
    recipe = RecipeSettings.model_validate({"loss": loss, "negatives": 4})
    log = log_of([[1, 5, 2, 9, 3, 7, 8, 4], [6, 2, 11, 3, 1, 12, 13, 14]], ITEMS)
    small = Corpus(log, corpus().split, 4)
    parts = split(log, WorkloadSettings(replay_steps=2, calibration_steps=2, min_history=4))
    objective = NextItem(
        model, replace(small, split=parts), recipe, NumericsPlan("cpu", "any", 1), 0
    )
    got = objective.loss(np.array([0, 1]))
    negatives = np.random.Generator(np.random.Philox([0, 1])).integers(ITEMS, size=(2, 4))
    terms = []
    for user, history in enumerate(([1, 5, 2, 9], [6, 2, 11, 3])):
        for step in range(3):
            read = model.encode(torch.tensor([history[: step + 1]]))
            listed = torch.tensor([[history[step + 1], *negatives[user]]])
            logits = model.score(read, torch.tensor([[step]]), listed)[0, 0]
            if loss == "softmax":
                terms.append(torch.logsumexp(logits, 0) - logits[0])
            else:
                signed = torch.cat((logits[:1], -logits[1:]))
                terms.append(-torch.nn.functional.logsigmoid(signed).mean())
    torch.testing.assert_close(got, torch.stack(terms).mean())


@pytest.mark.parametrize(
    "settings", [CAUSAL[0], CAUSAL[2]], ids=lambda settings: settings.model_dump()["kind"]
)
def test_flops_are_two_for_each_weight_and_the_attention(settings: Architecture) -> None:
    model = settings.build(corpus())
    matrices = sum(
        module.weight.numel()
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and "lm_head" not in name
    )
    context, scored = 9, 20
    attention = settings.layers * 4 * settings.hidden * (context + 1)
    expected = 2 * matrices + attention + 2 * settings.hidden * scored
    assert settings.flops_per_step(context, scored) == expected


@torch.inference_mode()
@pytest.mark.parametrize("settings", [CAUSAL[1], DIN], ids=kind_of)
def test_flops_are_those_that_torch_counts(settings: Architecture) -> None:
    model, (context, scored) = built(settings), (9, 20)
    items, last = histories(rows=1), torch.tensor([[context]])
    candidates = drawn(1, scored)
    encoded = model.encode(items)
    with FlopCounterMode(display=False) as counter:
        model.encode(items[:, :1])
        model.score(encoded, last, candidates)
    assert settings.flops_per_step(context, scored) == counter.get_total_flops()


def test_the_shipped_llm_has_at_most_two_million_parameters_besides_embeddings() -> None:
    total, non_embedding = CausalLmSettings().build(corpus()).parameter_counts()
    assert non_embedding <= 2_000_000
    assert total == non_embedding + (ITEMS + 1) * CausalLmSettings().hidden


@pytest.mark.parametrize(
    ("settings", "fields"),
    [(SasRecSettings, {"hidden": 10, "heads": 3}), (CausalLmSettings, {"hidden": 12, "heads": 4})],
)
def test_heads_must_divide_the_width(settings: type[Architecture], fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be a multiple of"):
        settings.model_validate(fields)
