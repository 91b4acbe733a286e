"""Networks of one kind of link, whose round-trip time does not change."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from sim.network.coverage_only import CoverageOnly
from sim.network.disturbances import Disturbance, Disturbances, DisturbedLatency
from sim.network.latency import ConstantLatency, Jitter, JitteredFactors
from sim.network.links import Links
from sim.network.medium import Medium, SharedMedium
from sim.network.network import Network
from sim.radio.radio import Radio
from sim.radio.states import RadioStates


class SteadyNetwork(Network):
    """A network whose medium takes disturbances into account by itself; a subclass makes it."""

    rtt_s: FiniteFloat = Field(ge=0)
    """Round-trip time without load, s; half of it each way."""
    jitter: Jitter = Jitter()
    """Variation of the latency between messages."""

    def medium(self, seed: int, devices: int, disturbed: Disturbances) -> Medium | SharedMedium:
        """Make what bytes cross, with draws keyed by `seed`."""
        raise NotImplementedError

    def links(
        self,
        seed: int,
        devices: int,
        steps: int,
        disturbances: Sequence[Disturbance] = (),
        classes: NDArray[np.str_] | None = None,  # noqa: ARG002
    ) -> Links:
        """Make the links of a fleet; latencies are drawn as messages come."""
        disturbed = Disturbances(disturbances, devices)
        latency = ConstantLatency(self.rtt_s, JitteredFactors(self.jitter, seed, devices, steps))
        return Links(
            medium=self.medium(seed, devices, disturbed),
            latency=DisturbedLatency(latency, disturbed) if disturbed else latency,
            radios=RadioStates((Radio.named(self.radio),), devices),
            framing=self.framing,
            loss=self.loss,
            seed=seed,
            conditions=CoverageOnly(disturbed, self.loss) if disturbed else None,
        )
