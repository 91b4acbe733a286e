"""How long a device waits before it sends a failed request again."""

import numpy as np
from numpy.typing import NDArray

from sim.client.settings import RetrySettings
from workloads import draws


class Backoff:
    """The waits of a fleet.

    Args:
        settings: bounds and jitter.
        seed: of the draws, which are keyed by (seed, "backoff k", device, step).
        devices: how many devices.
    """

    def __init__(self, settings: RetrySettings, seed: int, devices: int) -> None:
        self._settings = settings
        self._seed = seed
        self._devices = devices
        self._drawn: dict[tuple[int, int], NDArray[np.float64]] = {}

    def wait_s(self, failure: int, device: int, step: int) -> float:
        """Return the wait after failure 0, 1, ... of the request of a device's step."""
        longest_s = self._settings.longest_wait_s(failure)
        if self._settings.jitter == "none":
            return longest_s
        key = failure, step
        if key not in self._drawn:
            # Where one device fails others do, so the draws of all are made together.
            self._drawn[key] = draws.uniform(self._seed, f"backoff {failure}", step, self._devices)
        return longest_s * float(self._drawn[key][device])
