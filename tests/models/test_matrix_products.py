"""Products by oneDNN are those of torch, and only inference takes them."""

import pytest
import torch
from small_log import Small
from torch import nn
from torch.nn import functional

from models.matrix_products import fast_products
from models.numerics import plan_of
from models.reading import CACHED_POSITIONS, read
from models.recommender import Recommender

PLAN = plan_of("cpu", 1)


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
