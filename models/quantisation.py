"""The device's copy of an SRM, its weights in int8: a quarter of the bytes, and integer products.

Linear and recurrent layers become torch's dynamically quantised ones: int8 weights with one scale a
matrix, activations rounded to 7 bits on the fly with one scale a call. Embedding tables are rounded
to int8 with one scale a row. What a device re-trains stays in float, and so do normalisations.

The scale of a call's activations is that of the whole batch, so a score moves with what is computed
beside it, within the error of the rounding itself. A phone, which computes alone, rounds no worse.
"""

import copy
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.errors import ModelError
from models.numerics import NumericsPlan
from models.recommender import Recommender
from models.weights import ModelCard, Weights

Quantisation = Literal["none", "int8"]

LARGEST = 127
"""Of int8, used symmetrically."""


class Int8Embedding(nn.Module):
    """An embedding table in int8, with a float scale for each row."""

    rows: Tensor
    scale: Tensor

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.embedding_dim = table.embedding_dim
        weight = table.weight.detach()
        highest = weight.abs().amax(dim=1, keepdim=True)
        scale = torch.where(highest > 0, highest / LARGEST, 1.0)
        self.register_buffer("rows", torch.round(weight / scale).to(torch.int8))
        self.register_buffer("scale", scale)

    @property
    def weight(self) -> Tensor:
        """The whole table in float: [rows, d]."""
        return self.rows * self.scale

    def forward(self, index: Tensor) -> Tensor:
        """Return rows in float: int64 [...] -> float [..., d]."""
        return self.rows[index] * self.scale[index]


def check(quantisation: Quantisation, plan: NumericsPlan) -> None:
    """Refuse int8 where it cannot be computed.

    Raises:
        ModelError: the models run on a GPU, for which torch has no dynamically quantised layers.
    """
    if quantisation == "int8" and plan.device != "cpu":
        raise ModelError(
            "int8 is computed on CPUs only; accepted with models.device cuda: none",
            key="models.quantisation",
        )


def int8_copy(model: Recommender) -> Recommender:
    """Return a copy of a trained model whose weights are int8; the model itself stays as it is.

    Args:
        model: in evaluation mode, on the CPU.
    """
    quantised = copy.deepcopy(model)
    layers = set()
    for name, module in list(quantised.named_modules()):
        if f"{name}.".startswith(model.adapted):
            continue
        if isinstance(module, nn.Embedding):
            quantised.set_submodule(name, Int8Embedding(module))
        elif isinstance(module, nn.Linear | nn.GRU):
            layers.add(name)
    with warnings.catch_warnings():
        # torch announces that torchao will replace this; torchao has no recurrent layers.
        warnings.filterwarnings("ignore", "torch.ao.quantization is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)
        ao: Any = torch.ao.quantization  # has no types
        ao.quantize_dynamic(quantised, layers, torch.qint8, inplace=True)
    return quantised


class Int8Weights(Weights):
    """Trained weights, of which devices hold the int8 copy."""

    @property
    def hash(self) -> str:
        """SHA-256 (hex) that stands for the copy: of the weights' own and of what is done to it."""
        return hashlib.sha256(f"int8 {super().hash}".encode()).hexdigest()

    def model(self) -> Any:
        """Return the copy."""
        return int8_copy(super().model())

    def card(self, candidates: int, scored_items: int) -> ModelCard:
        """Return the model's card with the copy's bytes."""
        card = super().card(candidates, scored_items)
        return replace(card, weights_bytes=weights_bytes(self.model()))


def as_held(weights: Weights, quantisation: Quantisation) -> Weights:
    """Return the weights that devices hold of those that were trained."""
    if quantisation == "none":
        return weights
    return Int8Weights(weights.task, weights.entry, weights.train_s)


def weights_bytes(model: nn.Module) -> int:
    """Return the size of a model's weights, int8 or float; the scale of a matrix is not counted."""
    return sum(tensor.numel() * tensor.element_size() for tensor in _tensors(model))


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    yield from model.parameters()
    yield from model.buffers()
    dynamic: Any = torch.ao.nn.quantized.dynamic  # has no types
    for layer in model.modules():
        if isinstance(layer, dynamic.Linear):
            yield from (each for each in (layer.weight(), layer.bias()) if each is not None)
        elif isinstance(layer, dynamic.GRU):
            yield from (*layer.get_weight().values(), *layer.get_bias().values())
