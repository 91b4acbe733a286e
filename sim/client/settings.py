"""How a device uses lists: serving mode, deadlines, first list and payload."""

from typing import Literal

from pydantic import Field, FiniteFloat

from workloads.settings import Settings


class PayloadSettings(Settings):
    """Sizes of messages."""

    header_bytes: int = Field(default=300, ge=0)
    """Fixed part of every message, either way."""
    interaction_bytes: int = Field(default=4, ge=0)
    """Uploaded for each interaction since the last acknowledged upload."""
    candidate_bytes: int = Field(default=8, ge=0)
    """Downloaded for each candidate: item id and score."""

    def request_bytes(self, interactions: int) -> int:
        """Size of a request that carries `interactions` new interactions."""
        return self.header_bytes + self.interaction_bytes * interactions

    def reply_bytes(self, candidates: int) -> int:
        """Size of a reply that carries `candidates` candidates (0 in a rejection)."""
        return self.header_bytes + self.candidate_bytes * candidates


class RetrySettings(Settings):
    """Attempts of one request, and the waits between them.

    After failure k = 0, 1, ... the device waits min(cap, backoff x 2^k) x u before it sends again,
    with u uniform in (0, 1): capped exponential backoff with "full jitter", which spreads the
    retries of a fleet that failed together (M. Brooker, "Exponential Backoff And Jitter", AWS
    Architecture Blog, 2015). Without jitter u = 1.
    """

    attempts: int = Field(default=1, ge=1, le=100)
    """How often a request is sent at most. An attempt fails when it is rejected, answered with a
    failure, not answered within `attempt_timeout_s`, or has no network with `no_coverage: fail`.
    After the last failure the request ends at once: rejected or lost. A phone whose battery is
    empty sends nothing again; its request ends by what is under way, or by `timeout_s`."""
    attempt_timeout_s: FiniteFloat | None = Field(default=None, gt=0)
    """An attempt without a reply fails after this time; null: it has all of `timeout_s`. Its reply
    is still taken as long as the request is open."""
    backoff_s: FiniteFloat = Field(default=0.5, ge=0)
    """Longest wait after the first failure; doubled after each further one."""
    backoff_cap_s: FiniteFloat = Field(default=30.0, ge=0)
    """Bound of the doubled waits."""
    jitter: Literal["full", "none"] = "full"
    """`full`: a random share of the longest wait. `none`: all of it."""

    def longest_wait_s(self, failure: int) -> float:
        """Return the longest wait after failure 0, 1, ..."""
        return min(self.backoff_cap_s, self.backoff_s * 2.0**failure)


class CircuitBreakerSettings(Settings):
    """When a device stops asking a cloud that does not answer.

    The circuit breaker of M. T. Nygard, "Release It!" (2nd edition, 2018, chapter 5): closed, it
    lets every request through; after so many failures in a row it opens, and nothing is sent; then
    it is half open and lets one request through, whose end closes it or opens it again.
    """

    failures: int | None = Field(default=None, ge=1)
    """Requests in a row that ended without a list until it opens; null: it never does."""
    open_s: FiniteFloat = Field(default=60.0, ge=0)
    """How long it stays open, from the end of the last of them."""


class ServingSettings(Settings):
    """What the device shows while a request is under way, and how long it waits."""

    mode: Literal["stale", "wait"] = "stale"
    """`stale`: show the re-ranked old list at once, use the new one from the first decision at or
    after its arrival. `wait`: wait for it until `deadline_s`, then show the old one."""
    deadline_s: FiniteFloat = Field(default=2.0, ge=0)
    """Longest wait in mode `wait`, counted from the sending of the request."""
    timeout_s: FiniteFloat = Field(default=30.0, gt=0)
    """The device gives a request up after this time; a later reply is discarded."""
    retry: RetrySettings = RetrySettings()
    """Attempts of one request, within `timeout_s`."""
    no_coverage: Literal["wait", "time_out", "fail"] = "wait"
    """What becomes of an attempt that is sent while the device has no network. `wait`: it crosses
    when the network is back. `time_out`: it is lost, and the device learns of it by its timeout.
    `fail`: nothing is sent, and the attempt has failed at once. Replies wait in any case, and so
    does what is crossing when the network goes."""
    circuit_breaker: CircuitBreakerSettings = CircuitBreakerSettings()
    """When a device stops asking for a while."""
    first_list: Literal["preloaded", "none"] = "preloaded"
    """`preloaded`: the session starts with a list; `none`: with a popularity list."""
    first_list_age_steps: int = Field(default=1, ge=0)
    """Newest interactions that the preloaded list does not know."""
    payload: PayloadSettings = PayloadSettings()
    """Sizes of messages."""
