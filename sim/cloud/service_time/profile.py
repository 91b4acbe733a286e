"""Service time of a real model, as `python -m benchmarks.service_profile` measured it."""

import datetime
import math
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import yaml
from pydantic import Field, FiniteFloat, ValidationError, model_validator

from sim.cloud.service_time.request_tokens import RequestTokens
from workloads.content_hash import file_hash
from workloads.settings import Settings, invalid

from .service_time import Prompts, TokenServiceTime


class ProfiledMachine(Settings):
    """What the profile was measured on."""

    processor: str
    """Name of the CPU."""
    threads: int = Field(ge=1)
    """Threads that computed on it."""
    accelerator: str | None = None
    """Name of the GPU that computed; null: the CPU did."""
    memory_bytes: int | None = Field(default=None, ge=1)
    """Memory of what computed; null: not known, and so no limit of what fits into it."""
    libraries: dict[str, str] = Field(default_factory=dict)
    """Versions of the libraries that computed."""


class ProfiledModel(Settings):
    """The model that was timed."""

    name: str
    """What it is called."""
    parameters: int = Field(ge=1)
    """Number of weights."""
    bytes_per_parameter: FiniteFloat = Field(default=4.0, gt=0)
    """4 for float32, 2 for fp16 and bf16."""
    kv_bytes_per_token: FiniteFloat = Field(default=0.0, ge=0)
    """Memory of the keys and values of one token; 0: not known."""


class StageSeconds(Settings):
    """Fitted time of one pass of the model; the larger of a floor and a sum of terms.

    max(least_seconds, seconds + seconds_if_batched, where there are two sequences or more,
    + seconds_per_sequence x sequences + seconds_per_token x tokens
    + seconds_per_token_pair x token pairs). A small batch on a GPU takes the time of its kernels'
    launches or of reading the weights, a large one what its arithmetic takes: a roofline. A CPU
    multiplies the weights with the vector of one sequence by another routine than with the matrix
    of several, which may take twice as long.

    Tokens of `prefill` are those of the prompts, token pairs the sum over prompts of tokens^2;
    tokens of `decode` are those whose keys and values the sequences have, summed over them, and one
    pass adds a token to each.
    """

    seconds: FiniteFloat = Field(default=0.0, ge=0)
    """Of every pass, s."""
    seconds_if_batched: FiniteFloat = Field(default=0.0, ge=0)
    """Further time of a pass of two requests or more, s."""
    seconds_per_sequence: FiniteFloat = Field(default=0.0, ge=0)
    """Further time for each request, s."""
    seconds_per_token: FiniteFloat = Field(default=0.0, ge=0)
    """Further time for each token, s."""
    seconds_per_token_pair: FiniteFloat = Field(default=0.0, ge=0)
    """Further time for each token pair, s."""
    least_seconds: FiniteFloat = Field(default=0.0, ge=0)
    """No pass takes less, s."""

    def pass_s(self, sequences: int, tokens: int, token_pairs: int = 0) -> float:
        """Return the time of one pass, s."""
        return max(
            self.least_seconds,
            self.seconds
            + self.seconds_if_batched * (sequences > 1)
            + self.seconds_per_sequence * sequences
            + self.seconds_per_token * tokens
            + self.seconds_per_token_pair * token_pairs,
        )


class Validity(Settings):
    """What was measured, from the least to the most, both included."""

    batch_size: tuple[int, int]
    """Requests in a batch."""
    prompt_tokens: tuple[int, int]
    """Tokens of each prompt."""


class FitError(Settings):
    """How far the fit is from measurements that it was not fitted to, as shares of them."""

    median: FiniteFloat = Field(ge=0)
    """Median of |fitted - measured| / measured."""
    p95: FiniteFloat = Field(ge=0)
    """Its 95th percentile."""


class Profile(Settings):
    """A profile file: what `benchmarks.service_profile` writes and the cloud reads."""

    machine: ProfiledMachine
    """What computed."""
    model: ProfiledModel
    """What was timed."""
    measured_on: datetime.date
    """When."""
    prefill: StageSeconds
    """One pass that reads the prompts of a batch."""
    decode: StageSeconds
    """One pass that adds a token to each sequence of a batch."""
    validity: Validity
    """What was measured; beyond it the fit is a guess."""
    error: FitError
    """Of the fit."""


def read_profile(path: Path) -> Profile:
    """Read a profile file.

    Raises:
        OSError: it cannot be read.
        yaml.YAMLError: it is no YAML.
        pydantic.ValidationError: it is no profile.
    """
    return Profile.model_validate(_frozen(yaml.safe_load(path.read_text(encoding="utf-8"))))


def _frozen(value: Any) -> Any:
    """Return a value with tuples for lists, which is what settings hold."""
    if isinstance(value, dict):
        return {key: _frozen(part) for key, part in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@lru_cache(maxsize=8)
def _profile(path: str, modified_ns: int) -> Profile:  # noqa: ARG001 - a changed file is read anew
    return read_profile(Path(path))


class ProfileServiceTime(TokenServiceTime):
    """The fitted times of a profile file.

    An iteration of continuous batching reads its prompts in one pass and decodes in another, and
    takes their sum: that is how the measured model works.

    Batches or prompts beyond those that were measured are refused unless `extrapolate` is true: a
    fit says nothing about what was never measured, and a wrong time would look like any other.
    """

    kind: Literal["profile"] = "profile"
    path: str = Field(json_schema_extra={"format": "file-path"})
    """The profile file; a relative path starts at the working directory."""
    request: RequestTokens = RequestTokens()
    """Tokens of a request."""
    extrapolate: bool = False
    """Go on with the fit beyond the batches and prompts that were measured."""

    _reads: ClassVar[str] = (
        "a file written by `python -m benchmarks.service_profile`, by its whole path or by that "
        "from the working directory"
    )

    @model_validator(mode="after")
    def _file_is_a_profile(self) -> Self:
        try:
            profile = self.profile
        except OSError as error:
            raise invalid(
                f"is {self.path!r}, and {self.file.absolute()} cannot be read ({error.strerror}); "
                f"accepted: {self._reads}",
                "path",
            ) from None
        except (yaml.YAMLError, ValidationError) as error:
            raise invalid(
                f"is {self.path!r}, which is no profile ({_first_line(error)}); accepted: "
                f"{self._reads}",
                "path",
            ) from None
        least, most = profile.validity.prompt_tokens
        shortest, longest = self.request.prompt_tokens, self.request.longest_prompt_tokens
        if not self.extrapolate and not least <= shortest <= longest <= most:
            prompts = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
            raise invalid(
                f"has prompts of {prompts} tokens; the profile was measured from {least} to {most} "
                "(give request.prompt_tokens and request.max_prompt_tokens within that, or "
                "cloud.service_time.extrapolate: true to go beyond)",
                "request",
            )
        return self

    @property
    def file(self) -> Path:
        """Where the profile file lies."""
        return Path(self.path).expanduser()

    def content_hashes(self) -> dict[str, str]:
        """Return what the profile holds."""
        return {"path": file_hash(self.file)}

    @cached_property
    def profile(self) -> Profile:
        """What the file says."""
        return _profile(str(self.file), self.file.stat().st_mtime_ns)

    @property
    def tokens(self) -> RequestTokens:
        """Tokens of a request."""
        return self.request

    @property
    def kv_bytes_per_token(self) -> float:
        """Memory that the keys and values of one token take, bytes; 0 where it is not known."""
        return self.profile.model.kv_bytes_per_token

    @property
    def weight_bytes(self) -> float:
        """Memory that the weights take."""
        return self.profile.model.parameters * self.profile.model.bytes_per_parameter

    @property
    def memory_bytes(self) -> float:
        """Memory of what computed; infinite where it is not known."""
        memory_bytes = self.profile.machine.memory_bytes
        return math.inf if memory_bytes is None else memory_bytes

    def too_many(self, batch_size: int) -> str:
        """Return what is wrong where the profile does not reach so far, else nothing."""
        most = self.profile.validity.batch_size[1]
        if self.extrapolate or batch_size <= most:
            return ""
        return (
            f"is {batch_size}; the profile was measured up to {most} requests in a batch "
            "(cloud.service_time.extrapolate: true goes beyond)"
        )

    def iteration_s(self, prompts: Prompts, decoding: int, context_tokens: int) -> float:
        """Return the time of one pass over the prompts and one that decodes, s."""
        seconds = 0.0
        if prompts.requests:
            seconds += self.profile.prefill.pass_s(
                prompts.requests, prompts.tokens, prompts.token_pairs
            )
        if decoding:
            seconds += self.profile.decode.pass_s(decoding, context_tokens)
        return seconds


def _first_line(error: Exception) -> str:
    """Return what is wrong with a file, on one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            return f"{key}: is missing"
        return f"{key}: {first['msg']}" if key else str(first["msg"])
    return str(error).splitlines()[0]
