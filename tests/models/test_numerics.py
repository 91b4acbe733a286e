import pickle
import platform

import pytest
import torch
from pydantic import ValidationError

from models.errors import ModelError
from models.numerics import plan_of
from models.settings import ModelSettings


def test_the_plan_names_the_kind_of_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of("cpu", 1)
    assert (plan.device, plan.threads) == ("cpu", 1)
    assert platform.machine() in plan.processor
    assert torch.backends.cpu.get_cpu_capability() in plan.processor
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "some GPU")
    for device in ("cuda", "auto"):
        plan = plan_of(device, 1)
        assert (plan.device, plan.processor) == ("cuda", "some GPU")


def test_a_gpu_that_is_not_there_is_refused_and_auto_does_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="accepted here: cpu, or auto") as refused:
        plan_of("cuda", 1)
    assert refused.value.key == "models.device"
    assert "\n" not in refused.value.message
    assert plan_of("auto", 1) == plan_of("cpu", 1)


def test_an_error_of_another_process_keeps_its_message_and_key() -> None:
    error = pickle.loads(pickle.dumps(ModelError("too many", "models.candidates.count")))
    assert (error.message, error.key) == ("too many", "models.candidates.count")
    assert str(error) == "too many"


def test_seeds_fit_torchs_generators() -> None:
    assert ModelSettings(seed=2**63 - 1).seed == 2**63 - 1
    with pytest.raises(ValidationError):
        ModelSettings(seed=2**63)
