"""What a service-time model is."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from sim.cloud.service_time.request_tokens import RequestTokens
from workloads.settings import Settings


class Prompts(NamedTuple):
    """Prompts that are read together.

    Attributes:
        requests: how many prompts.
        tokens: that are read, which leaves out those that the prefix cache knew.
        cached_tokens: those that it knew.
        token_pairs: sum over prompts of (whole length)^2 - (cached tokens)^2, twice the pairs of
            tokens that look at one another, which is what causal attention costs.
    """

    requests: int
    tokens: int
    cached_tokens: int
    token_pairs: int

    @property
    def whole_tokens(self) -> int:
        """Tokens of the whole prompts."""
        return self.tokens + self.cached_tokens

    def and_those_of(self, other: "Prompts") -> "Prompts":
        """Return these and others."""
        return Prompts(
            self.requests + other.requests,
            self.tokens + other.tokens,
            self.cached_tokens + other.cached_tokens,
            self.token_pairs + other.token_pairs,
        )


NO_PROMPTS = Prompts(0, 0, 0, 0)


class ServiceTime(Settings):
    """Time that one replica needs for a batch. A subclass gives a `kind`."""

    def batch_s(self, batch_size: int) -> float:
        """Return the (mean) service time of a batch of `batch_size` requests, s."""
        raise NotImplementedError

    def too_many(self, batch_size: int) -> str:  # noqa: ARG002
        """Return what is wrong with batches of `batch_size` requests, else nothing."""
        return ""

    @property
    def board_power_w(self) -> float | None:
        """Power of the accelerator at work, W; None where the service times tell of none."""
        return None

    def timer(self, seed: int, replica: int) -> Callable[[int], float]:  # noqa: ARG002
        """Return what tells the service time of each batch of a replica, one after the other.

        Args:
            seed: of the simulation's draws.
            replica: number of the replica.

        Returns:
            A function of the batch size, called once a batch.
        """
        return self.batch_s


class TokenServiceTime(ServiceTime):
    """A service time that is made of tokens, so that it also times iterations."""

    @property
    def tokens(self) -> RequestTokens:
        """Tokens of a request."""
        raise NotImplementedError

    @property
    def kv_bytes_per_token(self) -> float:
        """Memory that the keys and values of one token take, bytes; 0 where it is not known."""
        raise NotImplementedError

    @property
    def weight_bytes(self) -> float:
        """Memory that the weights take."""
        raise NotImplementedError

    @property
    def memory_bytes(self) -> float:
        """Memory of the accelerator; infinite where it is not known."""
        raise NotImplementedError

    def kv_memory_bytes(self, memory_share: float) -> float:
        """Return the memory beside the weights, bytes.

        Args:
            memory_share: share of the accelerator's memory that may be used in all.

        Returns:
            Infinite where the memory is not known, 0 or less where the weights do not fit.
        """
        return memory_share * self.memory_bytes - self.weight_bytes

    def batch_s(self, batch_size: int) -> float:
        """Return the service time of a static batch of shortest prompts, s."""
        tokens = self.tokens.prompt_tokens
        return self.static_batch_s(
            Prompts(batch_size, batch_size * tokens, 0, batch_size * tokens**2)
        )

    def timer(self, seed: int, replica: int) -> Callable[[int], float]:  # noqa: ARG002
        """Return `batch_s`, which adds up the iterations of a batch size only once."""
        return cache(self.batch_s)

    def static_batch_s(self, prompts: Prompts) -> float:
        """Return the service time of a batch that reads these prompts and decodes to its end, s.

        It is one iteration that reads the prompts and one for each output token: what continuous
        batching takes for the same prompts if nobody else joins.
        """
        total_s = self.iteration_s(prompts, 0, 0)
        sequences, context_tokens = prompts.requests, prompts.whole_tokens
        for _ in range(self.tokens.output_tokens):
            total_s += self.iteration_s(NO_PROMPTS, sequences, context_tokens)
            context_tokens += sequences
        return total_s

    def iteration_s(self, prompts: Prompts, decoding: int, context_tokens: int) -> float:
        """Return the time of one iteration, s.

        Args:
            prompts: those that this iteration reads.
            decoding: sequences that get one more token each.
            context_tokens: tokens whose keys and values these sequences have, summed over them.
        """
        raise NotImplementedError
