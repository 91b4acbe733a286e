"""Continuous batching as one would write it at first: every iteration is an event of its own."""

import math
from dataclasses import dataclass, field

from sim.cloud.prefix_cache import PromptReader
from sim.cloud.service_time.service_time import NO_PROMPTS, Prompts


@dataclass
class PlainSequence:
    index: int
    prompt: Prompts
    generated: int = -1  # -1: the prompt has not been read

    @property
    def context_tokens(self):
        return self.prompt.tokens + self.prompt.cached_tokens + self.generated


@dataclass
class PlainReplica:
    reader: PromptReader
    running: list = field(default_factory=list)
    iteration_ends_s: float = math.inf  # infinite: between two iterations


@dataclass
class PlainOutcome:
    starts_s: list
    ends_s: list
    batch_sizes: list
    rejected: set
    dropped: set
    busy_s: float = 0.0


def serve_plainly(arrivals, settings):
    """Serve arrivals by replicas that share a queue; return what became of each."""
    service, batching = settings.service_time, settings.batching
    output_tokens = service.tokens.output_tokens
    room = batching.kv_tokens(service, settings.prefix_cache.memory_bytes)
    replicas = [
        PlainReplica(PromptReader.of(service, settings.prefix_cache))
        for _ in range(settings.replicas)
    ]
    count = len(arrivals)
    outcome = PlainOutcome([math.inf] * count, [math.inf] * count, [0] * count, set(), set())
    attempts = [arrival.attempt() for arrival in arrivals]
    coming = sorted(
        range(count), key=lambda index: (arrivals[index].time_s, arrivals[index].device)
    )
    queue = []

    def sort_queue():
        by_age = settings.order == "oldest_list"
        queue.sort(
            key=lambda index: (
                -arrivals[index].list_age if by_age else 0,
                arrivals[index].time_s,
                arrivals[index].device,
            )
        )

    def drop_expired(now_s):
        left = False
        while settings.drop_expired and queue and arrivals[queue[0]].expires_s <= now_s:
            outcome.dropped.add(queue.pop(0))
            left = True
        return left

    def let_join(replica, now_s):
        """Let join all who can; tell whether anybody left the queue."""
        if replica.iteration_ends_s < math.inf or len(replica.running) == batching.size:
            return False
        left = drop_expired(now_s)
        while queue and len(replica.running) < batching.size:
            attempt = attempts[queue[0]]
            reserved = sum(
                sequence.prompt.tokens + sequence.prompt.cached_tokens + output_tokens
                for sequence in replica.running
            )
            if reserved + replica.reader.prompt_tokens(attempt) + output_tokens > room:
                break
            prompt = replica.reader.prompt(attempt)
            reading = [sequence for sequence in replica.running if sequence.generated < 0]
            read = prompt.tokens + sum(sequence.prompt.tokens for sequence in reading)
            if reading and batching.prefill_tokens and read > batching.prefill_tokens:
                break
            outcome.starts_s[queue[0]] = now_s
            replica.running.append(PlainSequence(queue.pop(0), prompt))
            left = True
            drop_expired(now_s)
        return left

    def let_all_join(now_s):
        while any(let_join(replica, now_s) for replica in replicas):
            pass

    def begin_iteration(replica, now_s):
        prompts, decoding, context_tokens = NO_PROMPTS, 0, 0
        for sequence in replica.running:
            if sequence.generated < 0:
                prompts = prompts.and_those_of(sequence.prompt)
                outcome.batch_sizes[sequence.index] = len(replica.running)
            else:
                decoding += 1
                context_tokens += sequence.context_tokens
        seconds = service.iteration_s(prompts, decoding, context_tokens)
        replica.iteration_ends_s = now_s + seconds
        outcome.busy_s += seconds

    def end_iteration(replica, now_s):
        replica.iteration_ends_s = math.inf
        for sequence in replica.running:
            sequence.generated += 1
            if sequence.generated == output_tokens:
                outcome.ends_s[sequence.index] = now_s
                replica.reader.answered(attempts[sequence.index])
        replica.running = [each for each in replica.running if each.generated < output_tokens]

    while coming or any(replica.running for replica in replicas):
        now_s = min(
            [replica.iteration_ends_s for replica in replicas]
            + [arrivals[index].time_s for index in coming[:1]]
        )
        for replica in replicas:
            if replica.iteration_ends_s == now_s:
                end_iteration(replica, now_s)
        while coming and arrivals[coming[0]].time_s == now_s:
            index = coming.pop(0)
            if len(queue) >= settings.queue_limit:
                let_all_join(now_s)
            if len(queue) >= settings.queue_limit:
                outcome.rejected.add(index)
            else:
                queue.append(index)
                sort_queue()
        let_all_join(now_s)
        for replica in replicas:
            if replica.running and replica.iteration_ends_s == math.inf:
                begin_iteration(replica, now_s)
    return outcome
