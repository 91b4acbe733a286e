"""Continuous batching: requests join and leave a running batch from one iteration to the next."""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pydantic import Field
from simpy import Event

from sim.client.request import NEVER_S, Attempt
from sim.cloud.batching.batching import Batching
from sim.cloud.batching.replica import Replica, Work
from sim.cloud.prefix_cache import PromptReader
from sim.cloud.queue import AttemptQueue
from sim.cloud.service_time.service_time import (
    NO_PROMPTS,
    Prompts,
    ServiceTime,
    TokenServiceTime,
)
from workloads.settings import invalid

if TYPE_CHECKING:
    from sim.cloud.station import Station


class _Sequence(NamedTuple):
    """One running request.

    Attributes:
        attempt: what is served.
        tokens: of its prompt and its output, for which memory is set aside.
        leaves: how many iterations the replica has done when it leaves.
    """

    attempt: Attempt
    tokens: int
    leaves: int


class ContinuousReplica(Replica):
    """Works iteration by iteration, and computes those together between which nothing can happen.

    All sequences run for the same number of iterations, so they leave in the order in which they
    came, and until the first of them leaves the batch only changes if somebody joins it. A stretch
    of iterations therefore ends when the first sequence leaves, and is cut short, at the end of the
    iteration under way, if somebody arrives for whom there is room. The ends of its iterations are
    added up one after the other, so they are to the last bit those of a program that makes an event
    of each.
    """

    def __init__(
        self,
        number: int,
        station: "Station",
        end_s: Callable[[float, float], float],
        stopped: Callable[[Replica], None],
    ) -> None:
        super().__init__(number, station, end_s, stopped)
        batching, service_time = station.settings.batching, station.settings.service_time
        assert isinstance(batching, ContinuousBatching)
        assert isinstance(service_time, TokenServiceTime)
        self._iteration_s = service_time.iteration_s
        self._output_tokens = service_time.tokens.output_tokens
        self._reader = PromptReader.of(service_time, station.settings.prefix_cache)
        self._size = batching.size
        self._room_tokens = batching.kv_tokens(
            service_time, station.settings.prefix_cache.memory_bytes
        )
        self._prefill_tokens = batching.prefill_tokens or math.inf
        self._clear()

    def _clear(self) -> None:
        self._sequences: deque[_Sequence] = deque()
        self._reserved_tokens = 0
        self._iterations = 0
        # Sequences whose prompts have been read, and tokens whose keys and values they have.
        self._decoding = self._context_tokens = 0
        # Prompts that the first iteration of the stretch reads.
        self._joining: list[Attempt] = []
        self._prompts = NO_PROMPTS
        self._start_s = NEVER_S
        self._ends_s: list[float] = []
        self._length = 0
        self._end: Event | None = None

    @property
    def in_service(self) -> int:
        """How many attempts it is working on."""
        return len(self._sequences)

    @property
    def busy_since_s(self) -> float:
        """When the iterations began that are not yet in `works`; infinite if it is idle."""
        return self._start_s

    def take(self) -> bool:
        """Let join who fits, if an iteration begins now; else see to it that the next one can."""
        now_s, queue = self._clock.now, self._station.queue
        if not self._between_iterations(now_s):
            if queue.expired(queue.first, now_s) or self._has_room(queue.first):
                self._cut(now_s)
            else:
                self._look_when_the_first_expires()
            return False
        left = queue.drop_expired(now_s)
        joined, postponed = 0, False
        while queue and self._has_room(queue.first) and not postponed:
            self._complete(bisect_right(self._ends_s, now_s))
            prompt = self._reader.prompt(queue.first)
            read = self._prompts.tokens + prompt.tokens
            postponed = bool(self._joining) and read > self._prefill_tokens
            if not postponed:
                self._join(queue.take(1, now_s)[0], prompt)
                joined += 1
                left += 1 + queue.drop_expired(now_s)
        if joined:
            self._begin(now_s)
        if postponed:
            self._cut(now_s)
        elif self.in_service >= self._size:
            self._station.withdraw(self)
        elif queue:
            self._look_when_the_first_expires()
        self._rest()
        return left > 0

    def _look_when_the_first_expires(self) -> None:
        """Be asked again when who has no room leaves the queue: the next one may need less."""
        expires_s = self._station.queue.first_expires_s
        if expires_s < math.inf:
            self._station.settle_at(expires_s)

    def _between_iterations(self, now_s: float) -> bool:
        if not self._sequences or now_s == self._start_s:
            return True
        done = bisect_right(self._ends_s, now_s)
        return done > 0 and self._ends_s[done - 1] == now_s

    def _has_room(self, attempt: Attempt) -> bool:
        if len(self._sequences) >= self._size:
            return False
        tokens = self._reader.prompt_tokens(attempt) + self._output_tokens
        return self._reserved_tokens + tokens <= self._room_tokens

    def _join(self, attempt: Attempt, prompt: Prompts) -> None:
        tokens = prompt.whole_tokens + self._output_tokens
        leaves = self._iterations + 1 + self._output_tokens
        self._sequences.append(_Sequence(attempt, tokens, leaves))
        self._reserved_tokens += tokens
        self._joining.append(attempt)
        self._prompts = self._prompts.and_those_of(prompt)
        attempt.service_start_s = self._clock.now

    def _begin(self, now_s: float) -> None:
        """Begin a stretch of iterations that ends when the first sequence leaves."""
        for attempt in self._joining:
            attempt.batch_size = len(self._sequences)
        self._start_s = now_s
        iterations = self._sequences[0].leaves - self._iterations
        ends_s = accumulate(self._iterations_s(iterations), self._end_s, initial=now_s)
        self._ends_s = list(ends_s)[1:]
        self._finish_after(iterations)

    def _iterations_s(self, iterations: int) -> Iterator[float]:
        """Tell how long each of the coming iterations takes if nobody else joins."""
        decoding, context_tokens = self._decoding, self._context_tokens
        yield self._iteration_s(self._prompts, decoding, context_tokens)
        context_tokens += decoding + self._prompts.whole_tokens
        decoding += self._prompts.requests
        for _ in range(iterations - 1):
            yield self._iteration_s(NO_PROMPTS, decoding, context_tokens)
            context_tokens += decoding

    def _cut(self, now_s: float) -> None:
        """End the stretch with the iteration under way, so that somebody can join."""
        self._station.withdraw(self)
        length = bisect_right(self._ends_s, now_s) + 1
        if length < self._length:
            self._finish_after(length)

    def _finish_after(self, iterations: int) -> None:
        self._length = iterations
        self._end = self._clock.at(self._ends_s[iterations - 1])
        self._end.callbacks = [self._finish]

    def _finish(self, end: Event) -> None:
        if end is not self._end:
            return  # of a stretch that was cut short, changed, or ended by a crash
        self._complete(self._length)
        while self._sequences and self._sequences[0].leaves == self._iterations:
            attempt, tokens, _ = self._sequences.popleft()
            self._decoding -= 1
            self._context_tokens -= tokens
            self._reserved_tokens -= tokens
            self._reader.answered(attempt)
            self._answer(attempt)
        if self._sequences:
            self._begin(self._clock.now)
        else:
            self._start_s = NEVER_S
        self._available()
        self._rest()

    def _complete(self, iterations: int) -> None:
        """Write down that the first iterations of the stretch are over."""
        if not iterations:
            return
        end_s = self._ends_s[iterations - 1]
        self._write_down(end_s)
        self._iterations += iterations
        self._context_tokens += self._decoding + self._prompts.whole_tokens
        self._decoding += self._prompts.requests
        self._context_tokens += (iterations - 1) * self._decoding
        self._joining, self._prompts = [], NO_PROMPTS
        self._start_s, self._ends_s = end_s, []

    def _write_down(self, end_s: float) -> None:
        prompts = self._prompts
        self.works.append(
            Work(
                self._start_s,
                end_s,
                len(self._sequences),
                prompts.whole_tokens,
                prompts.cached_tokens,
                self._waited_s(self._joining),
            )
        )

    def _abandon(self) -> list[Attempt]:
        attempts = [sequence.attempt for sequence in self._sequences]
        if attempts:
            self._write_down(self._clock.now)
        self._reader.forget()
        self._clear()
        return attempts


class ContinuousBatching(Batching):
    """The batch of a replica changes between iterations (Orca, Yu et al., OSDI 2022).

    An iteration reads the prompts of the requests that join (prefill) and gives each of the others
    its next token (decode). A request joins before an iteration if it is next in the queue, and if
    there is room for one more sequence and for the keys and values of its prompt and its output: as
    the memory for its whole length is set aside, none has to be driven out later, unlike in vLLM
    (Kwon et al., SOSP 2023). No request overtakes one that does not fit. It leaves,
    answered, after the iteration that reads its prompt and `output_tokens` further ones.
    """

    kind: Literal["continuous"] = "continuous"
    size: int = Field(default=64, ge=1)
    """Most requests in the running batch."""
    kv_memory_bytes: int | None = Field(default=None, ge=1)
    """Instead of `memory_share`: memory for keys and values, beside weights and prefix cache."""
    prefill_tokens: int | None = Field(default=None, ge=1)
    """Most prompt tokens that one iteration reads, so that those who are running need not wait long
    for their next token; null: no limit. A longer prompt is read alone, and none is split."""

    replica: ClassVar[type[Replica]] = ContinuousReplica
    changes_batches: ClassVar[bool] = True
    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("memory_share", "kv_memory_bytes"),)

    @property
    def least_together(self) -> int:
        """One: the others wait until there is room."""
        return 1

    def kv_tokens(self, service_time: TokenServiceTime, prefix_cache_bytes: int) -> float:
        """Return how many tokens fit into the memory for keys and values; infinite if unknown."""
        if self.kv_memory_bytes is None:
            return super().kv_tokens(service_time, prefix_cache_bytes)
        return self.kv_memory_bytes / service_time.kv_bytes_per_token

    def check(self, service_time: ServiceTime, prefix_cache_bytes: int) -> None:
        """Refuse service times that know no iterations, and memory that holds no request."""
        if not isinstance(service_time, TokenServiceTime):
            raise invalid(
                "is continuous; its iterations need a service_time that counts tokens: roofline or "
                "profile",
                "batching",
            )
        super().check(service_time, prefix_cache_bytes)

    def check_memory(self, service_time: TokenServiceTime, prefix_cache_bytes: int) -> None:
        """Refuse what does not fit into the memory together, and memory that holds no request."""
        if self.kv_memory_bytes is None:
            super().check_memory(service_time, prefix_cache_bytes)
            return
        self.check_weights(service_time, 1.0)
        longest, problem = service_time.tokens.longest_tokens, ""
        least_bytes = math.ceil(longest * service_time.kv_bytes_per_token)
        room_bytes = service_time.kv_memory_bytes(1.0)
        most_bytes = room_bytes - prefix_cache_bytes
        if not service_time.kv_bytes_per_token:
            problem = "the profile does not tell model.kv_bytes_per_token"
        elif room_bytes < least_bytes:
            problem = (
                f"the longest request, {longest} tokens, needs {least_bytes}, and the weights "
                f"leave {math.floor(room_bytes)} of the accelerator's memory"
            )
        elif most_bytes < least_bytes:
            raise invalid(
                f"is {prefix_cache_bytes}; must be at most {math.floor(room_bytes - least_bytes)}, "
                f"which the weights and a longest request, {longest} tokens, leave of the "
                "accelerator's memory",
                "prefix_cache.memory_bytes",
            )
        elif self.kv_memory_bytes > most_bytes:
            cache = " and the prefix cache" if prefix_cache_bytes else ""
            problem = (
                f"must be at most {math.floor(most_bytes)}, which the weights{cache} leave of the "
                "accelerator's memory"
            )
        elif self.kv_tokens(service_time, 0) < longest:
            problem = f"must be at least {least_bytes}: the longest request has {longest} tokens"
        if problem:
            raise invalid(f"is {self.kv_memory_bytes}; {problem}", "batching.kv_memory_bytes")

    def due_s(self, queue: AttemptQueue) -> float:  # noqa: ARG002
        """Return that a replica takes at once whatever it has room for."""
        return -math.inf
