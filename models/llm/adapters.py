"""Low-rank adapters: a pretrained body stays as it is, and small matrices beside it are trained."""

import warnings
from typing import Any

from pydantic import Field, FiniteFloat

from models.errors import ModelError
from workloads.settings import Settings


class LoraSettings(Settings):
    """Low-rank adapters of all matrices of the body (Hu et al. 2021, arXiv 2106.09685)."""

    rank: int = Field(default=8, ge=1)
    """Rank of the change of each matrix."""
    alpha: FiniteFloat = Field(default=16.0, gt=0)
    """The change is scaled by `alpha` / `rank`."""
    dropout: float = Field(default=0.05, ge=0, lt=1)
    """Share of the adapters' inputs dropped in training."""


def refuse_missing_peft() -> None:
    """Refuse adapters without the library that makes them.

    Raises:
        ModelError: peft is not installed.
    """
    try:
        import peft  # noqa: F401
    except ImportError as missing:
        raise ModelError(
            "low-rank adapters need peft, which is not installed: pip install "
            "'device-cloud-testbed[lora]'; accepted here: null",
            "models.llm.lora",
        ) from missing


def adapted(model: Any, lora: LoraSettings) -> Any:
    """Return the model with adapters; these and the item embeddings are trained, nothing else."""
    refuse_missing_peft()
    from peft import LoraConfig, get_peft_model

    body = model.base_model
    linear = ("Linear", "Conv1D")  # of torch, and of transformers' GPT-2
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=sorted(
            f"{model.base_model_prefix}.{name}"
            for name, module in body.named_modules()
            if type(module).__name__ in linear
        ),
        fan_in_fan_out=any(type(module).__name__ == "Conv1D" for module in body.modules()),
    )
    with warnings.catch_warnings():  # of what peft uses of transformers, which no user can mend
        warnings.simplefilter("ignore", FutureWarning)
        with_adapters = get_peft_model(model, config)
    for table in (model.get_input_embeddings(), model.get_output_embeddings()):
        table.weight.requires_grad_(True)
    return with_adapters


def merged(model: Any) -> Any:
    """Return the plain `transformers` model, any adapters added to the weights they adapt."""
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def plain(model: Any) -> Any:
    """Return the `transformers` model itself, which calls its adapters where it has any."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
