"""Service time of an emulated LLM on an accelerator, from parameters and datasheet."""

from functools import cache, cached_property
from importlib import resources
from typing import Literal

import yaml
from pydantic import Field, FiniteFloat, field_validator

from workloads.settings import Settings, invalid

from .request_tokens import RequestTokens
from .served_model import ServedModel
from .service_time import Prompts, TokenServiceTime


class Accelerator(Settings):
    """What a datasheet says of an accelerator."""

    source: str
    """Where the figures come from."""
    peak_flops: FiniteFloat = Field(gt=0)
    """Dense fp16 or bf16 operations per second."""
    memory_bytes_per_s: FiniteFloat = Field(gt=0)
    """Memory bandwidth."""
    memory_bytes: FiniteFloat = Field(gt=0)
    """Memory."""
    board_power_w: FiniteFloat = Field(gt=0)
    """Most power that the board draws."""


@cache
def _accelerators() -> dict[str, Accelerator]:
    folder = resources.files("sim.cloud.service_time")
    text = folder.joinpath("accelerators.yaml").read_text(encoding="utf-8")
    return {name: Accelerator(**figures) for name, figures in yaml.safe_load(text).items()}


class RooflineServiceTime(TokenServiceTime):
    """The longer of arithmetic and memory traffic, for each pass through the model.

    An iteration passes the tokens of new prompts and one token of each running sequence through the
    weights together, and takes the longer of its arithmetic and its memory traffic, keys and values
    included (the roofline of Williams, Waterman and Patterson, 2009; iterations that mix prefill
    and decode as in Orca, Yu et al., OSDI 2022):

    iteration time = max(2 x parameters x tokens / (peak FLOP/s x compute utilisation),
                         (parameter bytes + key-value bytes) / (memory bandwidth x utilisation)).

    A static batch is one iteration that reads its prompts and one for each output token, of which
    every one finds the keys and values of one token more. Prompts of hundreds of tokens are bound
    by arithmetic, decode steps by memory as long as the batch is not very large.

    The two FLOP per parameter and token are those of Kaplan et al. (2020), section 2.1. The
    arithmetic of attention itself is left out: at 512 tokens it is about a hundredth.
    """

    kind: Literal["roofline"] = "roofline"
    accelerator: str = "a100"
    """A name in `sim/cloud/service_time/accelerators.yaml`."""
    served_model: ServedModel = ServedModel()
    """The emulated LLM."""
    compute_utilisation: FiniteFloat = Field(default=0.5, gt=0, le=1)
    """Reached share of the datasheet's FLOP/s. An assumption."""
    memory_utilisation: FiniteFloat = Field(default=0.7, gt=0, le=1)
    """Reached share of the datasheet's memory bandwidth. An assumption."""

    @field_validator("accelerator")
    @classmethod
    def _accelerator_is_known(cls, accelerator: str) -> str:
        if accelerator not in _accelerators():
            raise invalid(f"is {accelerator!r}; accepted: {', '.join(_accelerators())}")
        return accelerator

    @property
    def tokens(self) -> RequestTokens:
        """Tokens of a request."""
        return self.served_model

    @cached_property
    def kv_bytes_per_token(self) -> float:
        """Memory that the keys and values of one token take, bytes."""
        return self.served_model.kv_bytes_per_token

    @property
    def board_power_w(self) -> float:
        """Most power that the accelerator's board draws, W."""
        return _accelerators()[self.accelerator].board_power_w

    @cached_property
    def weight_bytes(self) -> float:
        """Memory that the weights take."""
        return self.served_model.weight_bytes

    @property
    def memory_bytes(self) -> float:
        """Memory of the accelerator."""
        return _accelerators()[self.accelerator].memory_bytes

    @cached_property
    def _flops(self) -> float:
        """Reached operations per second."""
        return _accelerators()[self.accelerator].peak_flops * self.compute_utilisation

    @cached_property
    def _bytes_per_s(self) -> float:
        """Reached memory bandwidth."""
        return _accelerators()[self.accelerator].memory_bytes_per_s * self.memory_utilisation

    @cached_property
    def _flops_per_token(self) -> float:
        return 2 * self.served_model.parameters

    def iteration_s(self, prompts: Prompts, decoding: int, context_tokens: int) -> float:
        """Return the longer of an iteration's arithmetic and its memory traffic, s."""
        computing_s = self._flops_per_token * (prompts.tokens + decoding) / self._flops
        kv_bytes = self.kv_bytes_per_token * (context_tokens + prompts.cached_tokens)
        return max(computing_s, (self.weight_bytes + kv_bytes) / self._bytes_per_s)
