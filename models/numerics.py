"""The numerics plan: everything about how sums are computed that can change their last digits."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.errors import ModelError


@dataclass(frozen=True)
class NumericsPlan:
    """A fixed plan of computation; part of the identity of weights and tables.

    On a CPU, the same plan gives the same bytes. On a GPU nothing promises it: some operations have
    no deterministic algorithm there, so what is trained or computed anew can differ from what the
    cache had under the same plan.

    Attributes:
        device: "cpu" or "cuda".
        processor: what kind of machine computes, as far as it decides which kernels run: a CPU's
            architecture and the vector instructions that torch uses, or a GPU's name.
        threads: torch's threads on a CPU.
        dtype: in which models read: float32 or bfloat16. Weights and logits are float32.
        batch_positions: positions (users x padded length) in one inference batch.
        ranking_rows: histories ranked over the catalogue at a time.
    """

    device: str
    processor: str
    threads: int
    dtype: str = "float32"
    batch_positions: int = 8192
    ranking_rows: int = 512

    def tensor(self, values: NDArray[Any]) -> Tensor:
        """Return an array as a tensor where the plan computes; its dtype stays."""
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)


Precision = Literal["float32", "bfloat16"]


def plan_of(device: str, threads: int, precision: Precision = "float32") -> NumericsPlan:
    """Return the plan for this machine.

    Args:
        device: cpu, cuda, or auto (a GPU where there is one).
        threads: of torch on a CPU.
        precision: in which models read.

    Raises:
        ModelError: a GPU is asked for, and torch can use none; or bfloat16, and the processor or
            GPU has no instructions for it.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ModelError(
            f"cuda needs an NVIDIA GPU and a torch built for it, and torch {torch.__version__} "
            "finds none; accepted here: cpu, or auto",
            key="models.device",
        )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "bfloat16" and not has_bfloat16(device):
        raise ModelError(
            f"bfloat16 needs a processor with instructions for it, and {_processor(device)} has "
            "none; accepted here: float32",
            key="models.precision",
        )
    return NumericsPlan(device, _processor(device), threads, dtype=precision)


def has_bfloat16(device: str) -> bool:
    """Return whether this machine multiplies bfloat16 matrices in hardware.

    Args:
        device: cpu (AVX-512 BF16 or AMX) or cuda (compute capability 8.0 and above).
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = (torch.cpu._is_avx512_bf16_supported, torch.cpu._is_amx_tile_supported)
    return any(has() for has in capabilities)


def _processor(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


@contextmanager
def computing(plan: NumericsPlan, seed: int = 0) -> Iterator[None]:
    """Compute under the plan with torch's generators seeded; afterwards all is as it was before."""
    memory: Any = torch.utils.deterministic
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = memory.fill_uninitialized_memory
    devices = list(range(torch.cuda.device_count())) if plan.device == "cuda" else []
    with torch.random.fork_rng(devices):
        try:
            torch.manual_seed(seed)
            torch.set_num_threads(plan.threads)
            torch.use_deterministic_algorithms(True, warn_only=plan.device != "cpu")
            # Filling guards against reads of uninitialised memory, which none of this does, and
            # costs a tenth of the training time.
            memory.fill_uninitialized_memory = False
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            memory.fill_uninitialized_memory = fill
