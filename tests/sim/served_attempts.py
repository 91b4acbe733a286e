"""A cloud that serves given attempts, whose requests say what the cloud may know of a device."""

from dataclasses import dataclass

from sim.client.request import Attempt, Request
from sim.clock import Clock
from sim.cloud.cloud import Cloud
from sim.cloud.settings import CloudSettings
from sim.faults.settings import FaultSettings


@dataclass(frozen=True)
class Arrival:
    """An attempt that arrives at `time_s`."""

    time_s: float
    device: int
    history: int = 0
    list_age: int = 0
    expires_s: float = float("inf")
    step: int = 0

    def attempt(self):
        request = Request(
            self.device,
            self.step,
            self.time_s,
            0,
            ended=None,
            expires_s=self.expires_s,
            history_interactions=self.history,
            list_age_steps=self.list_age,
        )
        return Attempt(request, self.device, self.step, 0, self.time_s)


class Served:
    """What became of attempts; `answered` are those with an answer, in the order of answers."""

    def __init__(self, arrivals, seed=0, faults=None, **cloud):
        settings = CloudSettings.model_validate(cloud)
        faults = FaultSettings.model_validate(faults or {})
        self.clock = Clock()
        self.answered = []
        self.attempts = [arrival.attempt() for arrival in arrivals]
        self.cloud = Cloud(
            self.clock, settings, settings.replicas, self.answered.append, seed, faults, 1000.0
        )
        # The order in which events were put into the heap must not matter.
        for attempt in reversed(self.attempts):
            arrival = self.clock.at(attempt.sent_s, value=attempt)
            arrival.callbacks.append(lambda event: self.cloud.submit(event.value))
        self.clock.run()

    def column(self, name):
        return [getattr(attempt, name) for attempt in self.attempts]

    @property
    def starts(self):
        return self.column("service_start_s")

    @property
    def ends(self):
        return self.column("service_end_s")

    def records(self, horizon_s=1e9):
        return self.cloud.records(horizon_s)


def profile_text(
    *, prefill=None, decode=None, batch_size=(1, 100), prompt_tokens=(1, 10000), kv=1.0, memory=None
):
    """Return a profile file whose times are easy to compute by hand."""
    return f"""
machine: {{processor: a CPU, threads: 1, memory_bytes: {"null" if memory is None else memory}}}
model: {{name: a model, parameters: 10, bytes_per_parameter: 1.0, kv_bytes_per_token: {kv}}}
measured_on: 2026-01-31
prefill: {prefill or {"seconds": 1.0}}
decode: {decode or {"seconds": 1.0}}
validity: {{batch_size: {list(batch_size)}, prompt_tokens: {list(prompt_tokens)}}}
error: {{median: 0.05, p95: 0.1}}
"""
