import pytest
import torch
from small_log import log_of

from models.architecture import Architecture
from models.corpus import Corpus
from models.llm.causal import CausalLmSettings
from models.recommender import CausalRecommender
from models.srm.sasrec import SasRecSettings
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings

ITEMS, POSITIONS = 30, 12
SETTINGS = [
    SasRecSettings(hidden=16, layers=2),
    CausalLmSettings(hidden=16, layers=2, heads=2, intermediate=32),
]


@pytest.fixture(params=SETTINGS, ids=lambda settings: settings.kind)
def model(request: pytest.FixtureRequest) -> CausalRecommender:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return request.param.build(corpus()).eval()


def corpus() -> Corpus:
    log = log_of([list(range(ITEMS))], ITEMS)
    steps = WorkloadSettings(replay_steps=4, calibration_steps=2, min_history=4)
    return Corpus(log, split(log, steps), POSITIONS - 4)


def states(model: CausalRecommender, items: torch.Tensor) -> torch.Tensor:
    return model.states(model.encode(items))


def histories(rows: int = 5, length: int = 10) -> torch.Tensor:
    return torch.randint(ITEMS, (rows, length), generator=torch.Generator().manual_seed(2))


@torch.inference_mode()
def test_later_items_change_no_earlier_state(model: CausalRecommender) -> None:
    before = histories()
    after = before.clone()
    after[:, 6:] = (after[:, 6:] + 7) % ITEMS
    torch.testing.assert_close(
        states(model, before)[:, :6], states(model, after)[:, :6], rtol=0, atol=1e-6
    )
    assert (states(model, before)[:, 6] - states(model, after)[:, 6]).abs().max() > 1e-3


@torch.inference_mode()
def test_one_pass_is_a_pass_for_each_step(model: CausalRecommender) -> None:
    items = histories()
    at_once = states(model, items)
    for step in range(items.shape[1]):
        alone = states(model, items[:, : step + 1])[:, step]
        torch.testing.assert_close(at_once[:, step], alone, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_padding_changes_no_real_state(model: CausalRecommender) -> None:
    items = histories(length=7)
    padded = torch.cat((items, torch.full((len(items), 5), ITEMS)), dim=1)
    torch.testing.assert_close(
        states(model, items), states(model, padded)[:, :7], rtol=0, atol=1e-5
    )


@torch.inference_mode()
def test_scores_of_candidates_are_those_of_the_catalogue(model: CausalRecommender) -> None:
    encoded = model.encode(histories())
    steps = torch.tensor([[2, 5]] * 5)
    candidates = torch.randint(ITEMS, (5, 4), generator=torch.Generator().manual_seed(3))
    scored = model.score(encoded, steps, candidates)
    assert scored.shape == (5, 2, 4)
    for s in range(2):
        everything = model.score_catalogue(encoded, torch.arange(5), steps[:, s])
        assert everything.shape == (5, ITEMS)
        torch.testing.assert_close(
            scored[:, s], everything.gather(1, candidates), rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.kind)
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
