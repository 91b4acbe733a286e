"""When an app is in the foreground: only then its user decides, and only then it gets anything."""

from bisect import bisect_right

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from workloads import draws
from workloads.settings import Settings


class AvailabilitySettings(Settings):
    """Users switch to another app now and then, and come back.

    Each session begins with the app in the foreground. Times there and elsewhere alternate, each
    exponentially distributed and independent of everything else. A decision that falls into a time
    elsewhere is taken at its end. What the network brings meanwhile, a reply or parameters, the app
    gets when it is back; patience runs on, so a request may time out before. What the app has begun
    (scoring, sending, training) it finishes.
    """

    on_s: FiniteFloat = Field(ge=0.1)
    """Mean time in the foreground; each change is drawn for the whole fleet."""
    off_s: FiniteFloat = Field(ge=0.1)
    """Mean time elsewhere."""


class Availability:
    """The times at which the apps of a fleet are in the foreground.

    Args:
        settings: mean times.
        seed: of the draws.
        start_s: float64, shape [devices]; when each session begins.
    """

    def __init__(
        self, settings: AvailabilitySettings, seed: int, start_s: NDArray[np.float64]
    ) -> None:
        self._mean_s = settings.on_s, settings.off_s
        self._seed = seed
        self._starts_s = start_s
        # Of each device: when the app left the foreground, came back, left again, ...
        self._changes_s: list[NDArray[np.float64]] = []

    def on_s(self, device: int, time_s: float) -> float:
        """Return the first time from `time_s` on at which an app is in the foreground."""
        while not self._changes_s or self._changes_s[-1][device] <= time_s:
            self._draw_changes()
        change = bisect_right(self._changes_s, time_s, key=lambda at_s: at_s[device])
        return float(self._changes_s[change][device]) if change % 2 else time_s

    def _draw_changes(self) -> None:
        """Draw one more change of every device."""
        index = len(self._changes_s)
        last_s = self._changes_s[-1] if index else self._starts_s
        draw = draws.uniform(self._seed, "availability", index, len(last_s))
        self._changes_s.append(last_s - self._mean_s[index % 2] * np.log(draw))
