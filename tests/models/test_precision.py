import numpy as np
import pytest
import torch
from small_log import FIRST_LIST_AGE, HISTORY, Small, tiny_settings

from models.candidate_source import CatalogueScan
from models.errors import ModelError
from models.numerics import has_bfloat16, plan_of
from models.prefixes import calibration_prefixes
from models.preparation import prepare, training_tasks
from models.reading import read

NEEDS_BFLOAT16 = pytest.mark.skipif(
    not has_bfloat16("cpu"), reason="this processor has no instructions for bfloat16"
)


def no_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    for capability in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, capability, lambda: False)


def with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take this processor for one that has bfloat16: torch emulates it, only slowly."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)


def test_bfloat16_is_refused_where_the_processor_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    no_bfloat16(monkeypatch)
    assert plan_of("cpu", 1).dtype == "float32"
    with pytest.raises(ModelError, match="accepted here: float32") as refused:
        plan_of("cpu", 1, "bfloat16")
    assert refused.value.key == "models.precision"
    assert "\n" not in refused.value.message
    with_bfloat16(monkeypatch)
    assert plan_of("cpu", 1, "bfloat16").dtype == "bfloat16"


def test_a_model_is_not_trained_again_and_its_tables_have_a_place_of_their_own(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bfloat16(monkeypatch)
    settings = tiny_settings(precision="bfloat16")
    exact = training_tasks(small.log, small.split, HISTORY, small.settings)
    reduced = training_tasks(small.log, small.split, HISTORY, settings)
    assert [task.identity for task in exact] == [task.identity for task in reduced]
    weights = sorted(path.name for path in (small.cache_dir / "weights").iterdir())
    stores = {path.name for path in (small.cache_dir / "outcomes").iterdir()}
    prepared = prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, settings, small.cache_dir)
    assert prepared.train_s == 0.0
    assert not prepared.cached
    assert prepared.llm_card.weights_hash == small.prepared.llm_card.weights_hash
    assert sorted(path.name for path in (small.cache_dir / "weights").iterdir()) == weights
    assert len({path.name for path in (small.cache_dir / "outcomes").iterdir()} - stores) == 1
    assert prepared.store_hash != small.prepared.store_hash


@torch.inference_mode()
def test_reading_in_bfloat16_is_near_and_comes_back_in_float32(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bfloat16(monkeypatch)
    histories = torch.randint(40, (4, 6), generator=torch.Generator().manual_seed(1))
    exact_plan, plan = plan_of("cpu", 1), plan_of("cpu", 1, "bfloat16")
    for model in small.models():
        exact, reduced = read(model, histories, exact_plan), read(model, histories, plan)
        assert exact.dtype == reduced.dtype == torch.float32
        assert torch.equal(exact, model.encode(histories))
        assert not torch.equal(exact, reduced)
        error = (exact - reduced).norm(dim=-1) / exact.norm(dim=-1)
        assert error.max() < 0.05  # bfloat16 rounds to 1 part in 256


@NEEDS_BFLOAT16
def test_scores_are_float32_so_a_catalogue_does_not_tie(small: Small) -> None:
    _, llm = small.models()
    prefixes = calibration_prefixes(small.split, HISTORY, 50)
    plan = plan_of("cpu", 1, "bfloat16")
    score = CatalogueScan(llm, small.log, plan, exclude_seen=True).lists(prefixes, 8).score
    assert score.dtype == np.float32
    rounded = torch.from_numpy(score).bfloat16().float().numpy()
    assert np.mean(np.diff(score, axis=1) == 0) < 0.001
    assert np.mean(np.diff(rounded, axis=1) == 0) > 0.01
