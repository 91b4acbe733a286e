"""A device's circuit breaker: it stops asking a cloud that does not answer."""

from dataclasses import dataclass

from sim.client.settings import CircuitBreakerSettings


@dataclass(slots=True)
class CircuitBreaker:
    """Whether one device's requests are let through.

    As only one request of a device is under way at a time, the first one that is let through after
    the breaker was open is its trial: its failure, being another one in the row, opens it again.

    Attributes:
        settings: when it opens, and for how long.
        failed_in_a_row: requests that ended without a list since the last one with a list.
        open_until_s: nothing is let through before.
    """

    settings: CircuitBreakerSettings
    failed_in_a_row: int = 0
    open_until_s: float = float("-inf")

    def note(self, delivered: bool, ended_s: float) -> None:
        """Take in how a request ended, and when."""
        failures = self.settings.failures
        if failures is None:
            return
        self.failed_in_a_row = 0 if delivered else self.failed_in_a_row + 1
        if self.failed_in_a_row >= failures:
            self.open_until_s = ended_s + self.settings.open_s
