"""The numerics plan: everything about how sums are computed that can change their last digits."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from models.settings import ModelSettings


@dataclass(frozen=True)
class NumericsPlan:
    """A fixed plan of computation; part of the identity of weights and tables.

    Attributes:
        device: "cpu" or "cuda".
        threads: torch's threads on a CPU.
        dtype: of weights, states and logits.
        batch_positions: positions (users x padded length) in one inference batch.
        ranking_rows: histories ranked over the catalogue at a time.
    """

    device: str
    threads: int
    dtype: str = "float32"
    batch_positions: int = 8192
    ranking_rows: int = 512


def plan_of(settings: ModelSettings) -> NumericsPlan:
    """Return the plan that the settings ask for; only `device: auto` has to look at the machine."""
    device = settings.device
    if device == "auto":
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
    return NumericsPlan(device=device, threads=settings.threads)


@contextmanager
def computing(plan: NumericsPlan, seed: int = 0) -> Iterator[None]:
    """Compute under the plan with torch's generators seeded; afterwards all is as it was before."""
    import torch

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
