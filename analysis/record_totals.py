"""What the summary says of interactions and requests, added up from blocks of devices."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.distributions import distribution
from analysis.outcomes import OUTCOMES, outcome_counts
from analysis.response_times import response_s, time_to_use_s

DISTRIBUTIONS = ("response_s", "time_to_use_s", "display_wait_s", "list_age_steps", "list_age_s")
"""The values that the summary tells mean and quantiles of."""


class RecordTotals:
    """Counts and values of the records, block by block.

    What comes of it does not depend on the blocks, to the last bit.

    Attributes:
        devices, interactions, requests: how many there were.
        consulted: interactions at which the policy was consulted.
        wanted: of these, how many it asked at.
        outcomes: how many requests ended in each.
        bytes_up, bytes_down: payload of the requests.
    """

    def __init__(self) -> None:
        self.devices = self.interactions = self.requests = 0
        self.consulted = self.wanted = 0
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.bytes_up = self.bytes_down = 0
        self._users = np.zeros(0, np.int64)
        self._values: dict[str, list[NDArray[np.generic]]] = {name: [] for name in DISTRIBUTIONS}

    def add(self, interactions: pd.DataFrame, requests: pd.DataFrame) -> "RecordTotals":
        """Add the records of some devices: all of theirs, and of none that were added before.

        Args:
            interactions: rows of `interactions.parquet`.
            requests: rows of `requests.parquet`.

        Raises:
            ValueError: if a request has an unknown outcome.
        """
        consulted = ~interactions["suppressed"].to_numpy(dtype=np.bool_)
        self.devices += interactions["device"].nunique()
        self.interactions += len(interactions)
        self.requests += len(requests)
        self.consulted += int(np.count_nonzero(consulted))
        self.wanted += int(
            np.count_nonzero(interactions["wanted"].to_numpy(dtype=np.bool_) & consulted)
        )
        self._users = np.union1d(self._users, interactions["user"].unique())
        for name, count in outcome_counts(requests).items():
            self.outcomes[name] += count
        self.bytes_up += int(requests["bytes_up"].sum())
        self.bytes_down += int(requests["bytes_down"].sum())
        wait_s = interactions["shown_s"].to_numpy(np.float64) - interactions["decision_s"].to_numpy(
            np.float64
        )
        age_steps, age_s = (interactions[f"list_age_{unit}"].dropna() for unit in ("steps", "s"))
        self._values["response_s"].append(response_s(requests))
        self._values["time_to_use_s"].append(time_to_use_s(interactions, requests))
        self._values["display_wait_s"].append(wait_s)
        self._values["list_age_steps"].append(age_steps.to_numpy(np.int16))
        self._values["list_age_s"].append(age_s.to_numpy(np.float64))
        return self

    @property
    def users(self) -> int:
        """Number of users that the devices replay."""
        return len(self._users)

    def distribution(self, name: str) -> dict[str, float] | None:
        """Return {mean, p50, p95, p99} of one of `DISTRIBUTIONS`; None where there are no values.

        Quantiles interpolate linearly.
        """
        parts = self._values[name] or [np.zeros(0)]
        return distribution(np.concatenate(parts).astype(np.float64, copy=False))
