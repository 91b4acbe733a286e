"""Prefix cache: what of a prompt a replica still has in memory from the device's last request."""

from collections import OrderedDict
from collections.abc import Sequence
from functools import reduce

from pydantic import Field

from sim.client.request import Attempt
from sim.cloud.service_time.request_tokens import RequestTokens
from sim.cloud.service_time.service_time import (
    NO_PROMPTS,
    Prompts,
    ServiceTime,
    TokenServiceTime,
)
from workloads.settings import Settings, invalid


class PrefixCacheSettings(Settings):
    """Keys and values of answered prompts, kept so that longer ones need not read them again.

    Each replica has its own, so it depends on routing whether a device finds its own. It needs
    `tokens_per_interaction`: only a prompt that holds the history extends the last one.
    """

    memory_bytes: int = Field(default=0, ge=0)
    """Memory of a replica for it, beside that of the weights and of running sequences; 0: there is
    no such cache."""

    def check(self, service_time: ServiceTime) -> None:
        """Refuse a cache where prompts do not hold the history, or of which none knows the size."""
        if not self.memory_bytes:
            return
        if not isinstance(service_time, TokenServiceTime) or not service_time.tokens.vary:
            raise invalid(
                "needs a service_time (roofline or profile) with tokens_per_interaction: only a "
                "prompt that holds the history extends the last one",
                "prefix_cache",
            )
        if not service_time.kv_bytes_per_token:
            raise invalid("needs model.kv_bytes_per_token in the profile", "prefix_cache")


class PrefixCache:
    """The prompts that one replica has kept, of which the one used longest ago goes first.

    A device's next prompt extends its last one, as its history has grown at the end: prefixes are
    those of one device, as in vLLM's automatic prefix caching (docs.vllm.ai, design/prefix_caching)
    with a user's identity in the prompt, but of whole prompts where vLLM keeps and drops blocks of
    tokens. There, too, what was used longest ago goes first. At least one token is read in any
    case, because the next one is predicted from it.

    Args:
        capacity_tokens: tokens whose keys and values fit.
    """

    def __init__(self, capacity_tokens: int) -> None:
        self._capacity_tokens = capacity_tokens
        self._tokens: OrderedDict[int, int] = OrderedDict()
        self.tokens = 0

    def cached_tokens(self, device: int, prompt_tokens: int) -> int:
        """Return how many tokens of a device's prompt are there, which counts as using them."""
        if device not in self._tokens:
            return 0
        self._tokens.move_to_end(device)
        return min(self._tokens[device], prompt_tokens - 1)

    def keep(self, device: int, prompt_tokens: int) -> None:
        """Keep a device's prompt; one that is larger than the whole cache is not kept."""
        self.tokens -= self._tokens.pop(device, 0)
        if prompt_tokens > self._capacity_tokens:
            return
        self._tokens[device] = prompt_tokens
        self.tokens += prompt_tokens
        while self.tokens > self._capacity_tokens:
            self.tokens -= self._tokens.popitem(last=False)[1]

    def clear(self) -> None:
        """Forget everything."""
        self._tokens.clear()
        self.tokens = 0


class PromptReader:
    """Tells how many tokens the prompts of attempts have, and how many one replica has to read.

    Args:
        request: tokens of a request.
        capacity_tokens: of the replica's prefix cache; 0 where there is none.
    """

    def __init__(self, request: RequestTokens, capacity_tokens: int = 0) -> None:
        self._request = request
        self._cache = PrefixCache(capacity_tokens) if capacity_tokens else None

    @classmethod
    def of(cls, service_time: TokenServiceTime, cache: PrefixCacheSettings) -> "PromptReader":
        """Make the reader of a replica with such service times and such a cache."""
        if not cache.memory_bytes:
            return cls(service_time.tokens)
        return cls(service_time.tokens, int(cache.memory_bytes / service_time.kv_bytes_per_token))

    def prompt_tokens(self, attempt: Attempt) -> int:
        """Return the tokens of an attempt's prompt."""
        return self._request.prompt_of(attempt.request.history_interactions)

    def prompt(self, attempt: Attempt) -> Prompts:
        """Return what is read for an attempt, and what the cache spares."""
        tokens, known = self.prompt_tokens(attempt), 0
        if self._cache is not None and self._is_whole(attempt):
            known = self._cache.cached_tokens(attempt.device, tokens)
        return Prompts(1, tokens - known, known, tokens**2 - known**2)

    def prompts(self, attempts: Sequence[Attempt]) -> Prompts:
        """Return what is read for attempts that are served together."""
        if not self._request.vary:
            tokens = self._request.prompt_tokens
            return Prompts(len(attempts), len(attempts) * tokens, 0, len(attempts) * tokens**2)
        return reduce(Prompts.and_those_of, map(self.prompt, attempts), NO_PROMPTS)

    def answered(self, attempt: Attempt) -> None:
        """Keep the prompt of an answered attempt."""
        if self._cache is not None and self._is_whole(attempt):
            self._cache.keep(attempt.device, self.prompt_tokens(attempt))

    def forget(self) -> None:
        """Lose what is in memory."""
        if self._cache is not None:
            self._cache.clear()

    def _is_whole(self, attempt: Attempt) -> bool:
        """Whether a prompt holds the whole history: one that lost its beginning extends nothing."""
        whole = self._request.whole_prompt_of(attempt.request.history_interactions)
        return whole == self.prompt_tokens(attempt)
