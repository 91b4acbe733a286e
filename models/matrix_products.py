"""Products of float32 matrices on a CPU by oneDNN, where torch would take a slower library.

torch leaves them to MKL, which on processors of other makers than Intel does without the widest
vector instructions: on a Zen 5, 100 GFLOP/s a core where oneDNN, which torch brings along for
bfloat16, does 230.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from models.numerics import NumericsPlan


class _LinearByOneDnn(TorchFunctionMode):
    """Takes over `linear` of float32 matrices; everything else is torch's own."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        taken_over = func is functional.linear and not kwargs and not torch.is_grad_enabled()
        if taken_over and args[0].dtype == torch.float32:
            values, weight, *bias = args
            return torch.ops.mkldnn._linear_pointwise(
                values, weight, bias[0] if bias else None, "none", [], ""
            )
        return func(*args, **(kwargs or {}))


def fast_products(plan: NumericsPlan) -> AbstractContextManager[Any]:
    """Return the context for inference, without gradients, in which matrix products are fast.

    Where it does nothing (on a GPU, or in a torch without oneDNN) is part of the plan's processor.
    """
    one_dnn: Any = torch.backends.mkldnn
    takes_over = plan.device == "cpu" and one_dnn.is_available()
    return _LinearByOneDnn() if takes_over else nullcontext()
