"""Everything that one simulated world leaves behind."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.cloud.records import CloudRecords
from sim.outcome_table import OutcomeTable
from sim.records.interactions import InteractionRecords, RankedBy
from sim.records.network import NetworkRecords
from sim.records.requests import RequestRecords
from sim.retraining.records import AdaptationRecords


@dataclass(frozen=True)
class SimulationResult:
    """Everything that a simulated world leaves behind.

    Attributes:
        interactions, requests: the records.
        cloud: what became of the cloud's replicas and of the attempts that reached it.
        events: events that the clock scheduled.
        energy_j: what the fleet spent, by state: `compute` and the radio's `radio_promotion`,
            `radio_transfer`, `radio_tail`; and `idle` where the hardware has idle power.
        network: the bytes on the links, coverage over time, and radio energy by radio.
        adaptation: what was trained along the run, and shown with it; None where nothing was.
    """

    interactions: InteractionRecords
    requests: RequestRecords
    cloud: CloudRecords
    events: int
    energy_j: dict[str, float]
    network: NetworkRecords
    adaptation: AdaptationRecords | None = None

    def of_devices(self, first: int, end: int) -> "SimulationResult":
        """Return this with the records of the devices first .. end - 1 alone, as views.

        What was not recorded device by device is that of the whole fleet.
        """
        return replace(
            self,
            interactions=self.interactions.of_devices(first, end),
            requests=self.requests.of_devices(first, end),
            adaptation=self.adaptation and self.adaptation.of_devices(first, end),
        )

    @property
    def pushed_bytes(self) -> int:
        """Bytes of parameters that devices downloaded."""
        pushes = () if self.adaptation is None else self.adaptation.log.pushes
        return sum(push.size_bytes for push in pushes)

    @property
    def simulated_s(self) -> float:
        """Length of the simulated time."""
        return self.interactions.horizon_s

    def rank(
        self, table: OutcomeTable, llm_table: OutcomeTable, user: NDArray[np.int64]
    ) -> NDArray[Any]:
        """Return the next item's rank in what was shown.

        Args:
            table: the outcome table of the world.
            llm_table: that in which the LLM alone orders lists.
            user: int64, shape [devices].

        Returns:
            int, shape [devices, steps]; 0 is a miss. What never happened means nothing.
        """
        own_order = self.interactions.ranked_by == RankedBy.LLM
        if self.adaptation is not None:
            rank = self.adaptation.outcome.rank
        else:
            rank = self.interactions.rank(table, user)
        if not own_order.any():
            return rank
        return np.where(own_order, self.interactions.rank(llm_table, user), rank)

    def srm_rank(self, srm_table: OutcomeTable, user: NDArray[np.int64]) -> NDArray[Any]:
        """Return the next item's rank if the SRM alone had ordered what was shown.

        Args:
            srm_table: the outcome table in which it does, with the shipped parameters.
            user: int64, shape [devices].

        Returns:
            int, shape [devices, steps]; 0 is a miss.
        """
        if self.adaptation is not None:
            return self.adaptation.outcome.srm_rank
        return self.interactions.rank(srm_table, user)

    def consistency(self, table: OutcomeTable, user: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the held list's consistency at each decision; nan where it was not scored.

        Returns:
            float32, shape [devices, steps]. What never happened means nothing.
        """
        own_order = self.interactions.ranked_by == RankedBy.LLM
        if self.adaptation is not None:
            consistency = self.adaptation.outcome.consistency
        else:
            consistency = self.interactions.consistency(table, user)
        if not own_order.any():
            return consistency
        return np.where(own_order, np.float32(np.nan), consistency)
