"""Products by oneDNN are those of torch, and only inference takes them."""

from typing import Any

import pytest
import torch
from small_log import Small
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from models.matrix_products import fast_products
from models.numerics import computing, plan_of
from models.reading import CACHED_POSITIONS, read
from models.recommender import Recommender

PLAN = plan_of("cpu", 1)
needs_one_dnn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN"
)


class Operators(TorchDispatchMode):
    """Notes the names of the operators that torch runs."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.names.append(func.name())
        return func(*args, **(kwargs or {}))


def by_one_dnn(layer: nn.Linear, values: torch.Tensor) -> bool:
    """Whether a product is oneDNN's."""
    with Operators() as operators:
        layer(values)
    return "mkldnn::_linear_pointwise" in operators.names


@pytest.mark.parametrize("shape", [(5, 8), (2, 3, 8), (1, 8), (0, 8)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_that_of_torch(shape: tuple[int, ...], bias: bool) -> None:
    layer = nn.Linear(8, 13, bias=bias)
    values = torch.randn(shape)
    with torch.inference_mode():
        expected = layer(values)
        with fast_products(PLAN):
            found = layer(values)
            strided = layer(values.repeat_interleave(2, dim=-1)[..., ::2])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(strided, expected, rtol=0, atol=1e-5)


@needs_one_dnn
@pytest.mark.parametrize("bias", [True, False])
def test_inference_is_by_one_dnn_and_nothing_else_is(bias: bool) -> None:
    layer, values = nn.Linear(8, 13, bias=bias), torch.randn(5, 8)
    with torch.inference_mode():
        assert not by_one_dnn(layer, values)
        with fast_products(PLAN):
            assert by_one_dnn(layer, values)
        assert not by_one_dnn(layer, values)
    with fast_products(PLAN):
        assert not by_one_dnn(layer, values)  # gradients may be asked for
    with torch.inference_mode(), fast_products(PLAN):
        assert not by_one_dnn(layer.double(), values.double())


@needs_one_dnn
def test_the_models_are_read_by_one_dnn(small: Small) -> None:
    model: Recommender
    for model in small.models():
        with torch.inference_mode(), Operators() as operators:
            read(model, torch.randint(0, model.items, (3, 8)), PLAN)
        assert "mkldnn::_linear_pointwise" in operators.names


@needs_one_dnn
def test_a_failure_within_leaves_torchs_own_products_behind() -> None:
    layer, values = nn.Linear(8, 13), torch.randn(5, 8)
    with torch.inference_mode():
        with pytest.raises(RuntimeError), fast_products(PLAN):
            layer(torch.randn(5, 7))
        assert not by_one_dnn(layer, values)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_product_gives_the_same_bytes(threads: int) -> None:
    layer, values = nn.Linear(300, 200), torch.randn(1000, 300)
    plan = plan_of("cpu", threads)
    with computing(plan), torch.inference_mode(), fast_products(plan):
        assert torch.equal(layer(values), layer(values))
        assert torch.equal(layer(values), layer(values.clone()))


def test_training_and_other_formats_are_left_alone() -> None:
    layer = nn.Linear(8, 13)
    with fast_products(PLAN):
        layer(torch.randn(2, 8)).sum().backward()
        with torch.inference_mode():
            values, weight = torch.randn(2, 8).double(), torch.randn(3, 8).double()
            assert torch.equal(functional.linear(values, weight), values @ weight.T)
    assert layer.weight.grad is not None


def test_a_batch_read_in_parts_is_read_as_a_whole(small: Small) -> None:
    model: Recommender
    for model in small.models():
        length = 8
        histories = torch.randint(0, model.items, (CACHED_POSITIONS // length + 3, length))
        with torch.inference_mode():
            torch.testing.assert_close(
                read(model, histories, PLAN), model.encode(histories), rtol=0, atol=1e-5
            )
