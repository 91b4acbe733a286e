"""What a way of batching is."""

import math
from typing import ClassVar

from pydantic import Field, FiniteFloat

from sim.cloud.batching.replica import Replica
from sim.cloud.queue import AttemptQueue
from sim.cloud.service_time.service_time import ServiceTime, TokenServiceTime
from workloads.settings import Settings, invalid


class Batching(Settings):
    """How a replica combines requests. A subclass gives a `kind`."""

    size: int
    """Most requests together."""
    memory_share: FiniteFloat = Field(default=0.9, gt=0, le=1)
    """Share of the accelerator's memory that may be used in all, 0.9 as in vLLM: for weights, the
    prefix cache, and the keys and values of those who are served."""

    replica: ClassVar[type[Replica]]
    """What works this way."""
    changes_batches: ClassVar[bool] = False
    """Whether requests join and leave a batch that runs."""

    @property
    def least_together(self) -> int:
        """How many of the longest requests must fit into the memory together."""
        raise NotImplementedError

    def kv_tokens(self, service_time: TokenServiceTime, prefix_cache_bytes: int) -> float:
        """Return how many tokens have room beside the weights and the prefix cache.

        It is infinite where the memory is not known, or what a token takes of it.
        """
        if not service_time.kv_bytes_per_token:
            return math.inf
        kv_memory_bytes = service_time.kv_memory_bytes(self.memory_share) - prefix_cache_bytes
        return kv_memory_bytes / service_time.kv_bytes_per_token

    def check(self, service_time: ServiceTime, prefix_cache_bytes: int) -> None:
        """Refuse service times that do not go with it, and what does not fit into the memory.

        Raises:
            PydanticCustomError: they do not; its key is relative to the section `cloud`.
        """
        if problem := service_time.too_many(self.size):
            raise invalid(problem, "batching.size")
        if isinstance(service_time, TokenServiceTime):
            self.check_memory(service_time, prefix_cache_bytes)

    def check_memory(self, service_time: TokenServiceTime, prefix_cache_bytes: int) -> None:
        """Refuse weights, batches or a prefix cache that do not fit into the memory together.

        Raises:
            PydanticCustomError: they do not; its key is relative to the section `cloud`.
        """
        self.check_weights(service_time, self.memory_share)
        share = f"{self.memory_share:g} of the accelerator's memory"
        longest = service_time.tokens.longest_tokens
        room = self.kv_tokens(service_time, prefix_cache_bytes)
        if room >= self.least_together * longest:
            return
        if room >= longest:
            cache = " and the prefix cache" if prefix_cache_bytes else ""
            raise invalid(
                f"is {self.size}; must be at most {room // longest:.0f}: so many of the longest "
                f"requests, {longest} tokens, have their keys and values beside the weights{cache} "
                f"in {share}",
                "batching.size",
            )
        without_cache = self.kv_tokens(service_time, 0)
        if without_cache >= longest:
            most_bytes = (without_cache - longest) * service_time.kv_bytes_per_token
            raise invalid(
                f"is {prefix_cache_bytes}; must be at most {math.floor(most_bytes)}, which the "
                f"weights and a longest request, {longest} tokens, leave of {share}",
                "prefix_cache.memory_bytes",
            )
        raise invalid(
            f"leaves room for the keys and values of {math.floor(room)} tokens; the longest "
            f"request has {longest}",
            "batching.memory_share",
        )

    @staticmethod
    def check_weights(service_time: TokenServiceTime, memory_share: float) -> None:
        """Refuse weights that take all of a share of the accelerator's memory, or more.

        Raises:
            PydanticCustomError: they do; its key is relative to the section `cloud`.
        """
        if service_time.kv_memory_bytes(memory_share) <= 0:
            raise invalid(
                f"has weights of {service_time.weight_bytes / 1e9:.4g} GB; must be below "
                f"{memory_share * service_time.memory_bytes / 1e9:.4g} GB, {memory_share:g} of the "
                "accelerator's memory",
                "service_time",
            )

    def due_s(self, queue: AttemptQueue) -> float:
        """Return when a free replica takes from a queue in which somebody waits."""
        raise NotImplementedError
