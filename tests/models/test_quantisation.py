import warnings

import pytest
import torch
from small_log import FIRST_LIST_AGE, HISTORY, Small, log_of

from models.corpus import Corpus
from models.errors import ModelError
from models.numerics import NumericsPlan
from models.preparation import prepare
from models.quantisation import Int8Embedding, check, int8_copy, weights_bytes
from models.recommender import Recommender
from models.srm import SrmSettings
from models.srm.din import DinSettings
from models.srm.gru4rec import Gru4RecSettings
from models.srm.sasrec import SasRecSettings
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings

ITEMS, POSITIONS = 200, 12
SRMS = [
    SasRecSettings(hidden=32),
    Gru4RecSettings(hidden=32, recurrent=48, layers=2),
    DinSettings(hidden=32),
]


def kind_of(settings: SrmSettings) -> str:
    return str(settings.model_dump()["kind"])


def built(settings: SrmSettings) -> Recommender:
    log = log_of([list(range(ITEMS))], ITEMS)
    steps = WorkloadSettings(replay_steps=4, calibration_steps=2, min_history=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return settings.build(Corpus(log, split(log, steps), POSITIONS - 4)).eval()


def last_scores(model: Recommender) -> torch.Tensor:
    histories = torch.randint(ITEMS, (40, 10), generator=torch.Generator().manual_seed(2))
    rows = torch.arange(40)
    return model.score_catalogue(model.encode(histories), rows, torch.full((40,), 9))


@torch.inference_mode()
@pytest.mark.parametrize("settings", SRMS, ids=kind_of)
def test_the_copy_scores_nearly_as_the_model_which_stays_as_it_is(settings: SrmSettings) -> None:
    model = built(settings)
    before = last_scores(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rounded = last_scores(int8_copy(model))
    assert torch.equal(last_scores(model), before)
    assert not torch.equal(rounded, before)
    centred = [each - each.mean(dim=1, keepdim=True) for each in (before, rounded)]
    assert torch.nn.functional.cosine_similarity(*centred, dim=1).min() > 0.99


@pytest.mark.parametrize("settings", SRMS, ids=kind_of)
def test_bytes_are_one_for_each_quantised_number_and_four_for_others(settings: SrmSettings) -> None:
    model = built(settings)
    assert weights_bytes(model) == 4 * sum(value.numel() for value in model.parameters())
    expected = 0
    for name, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False))
        floats = sum(value.numel() for value in own.values())
        quantised = 0
        if isinstance(module, torch.nn.Embedding):
            quantised, floats = floats, len(module.weight)
        elif isinstance(module, torch.nn.Linear | torch.nn.GRU) and f"{name}." not in model.adapted:
            quantised = sum(value.numel() for key, value in own.items() if "weight" in key)
            floats -= quantised
        expected += quantised + 4 * floats
    assert weights_bytes(int8_copy(model)) == expected


@pytest.mark.parametrize("settings", SRMS, ids=kind_of)
def test_what_a_device_re_trains_stays_in_float(settings: SrmSettings) -> None:
    model = built(settings)
    kept = dict(int8_copy(model).named_parameters())
    for name, value in model.named_parameters():
        if name.startswith(model.adapted):
            assert torch.equal(kept[name], value)


@torch.inference_mode()
def test_rows_are_rounded_to_half_a_step_of_their_own_scale() -> None:
    table = torch.nn.Embedding(4, 3)
    table.weight.copy_(torch.tensor([[127.0, 1.4, -3.6], [0, 0, 0], [1e-6, 0, -1e-6], [-5, 4, 2]]))
    rounded = Int8Embedding(table)
    assert rounded.rows[:2].tolist() == [[127, 1, -4], [0, 0, 0]]
    step = table.weight.abs().amax(dim=1, keepdim=True) / 127
    assert ((rounded.weight - table.weight).abs() <= step / 2 * 1.001).all()
    assert torch.equal(rounded(torch.tensor([[3, 0]])), rounded.weight[[3, 0]][None])


def test_int8_on_a_gpu_is_refused() -> None:
    with pytest.raises(ModelError, match=r"CPUs only; accepted with models.device cuda: none"):
        check("int8", NumericsPlan("cuda", "any", 1))
    check("int8", NumericsPlan("cpu", "any", 1))
    check("none", NumericsPlan("cuda", "any", 1))


def test_devices_hold_the_copy_and_nothing_is_trained_again(small: Small) -> None:
    settings = small.settings.model_copy(update={"quantisation": "int8"})
    held = prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, settings, small.cache_dir)
    kept = small.prepared
    assert held.train_s == 0
    assert held.store_hash != kept.store_hash
    assert held.srm_card.weights_bytes < kept.srm_card.weights_bytes / 2
    assert held.srm_card.parameters == kept.srm_card.parameters
    assert (held.outcomes.lists == kept.outcomes.lists).all()
    differs = held.outcomes.consistency != kept.outcomes.consistency
    assert differs.mean() > 0
    assert abs(held.outcomes.consistency - kept.outcomes.consistency).mean() < 0.05
    again = prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, settings, small.cache_dir)
    assert again.cached
    assert again.store_hash == held.store_hash
