"""How many devices are on which network, or on none, as time goes by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.network.links import Links
from sim.network.regimes import NO_COVERAGE, Regimes

TIMES = 201
"""How many times of a run are looked at: enough for a curve."""


@dataclass(frozen=True)
class CoverageRecords:
    """Devices by regime, at some times.

    Attributes:
        time_s: float64, shape [times].
        regimes: names; the last is `NO_COVERAGE`.
        devices: int64, shape [times, regimes]; rows add up to the fleet.
    """

    time_s: NDArray[np.float64]
    regimes: tuple[str, ...]
    devices: NDArray[np.int64]

    @classmethod
    def of(cls, links: Links, devices: int, horizon_s: float) -> "CoverageRecords | None":
        """Look at the links of a fleet at even times from 0 to the end.

        Returns:
            What is there to tell; None where all devices always are on one network.
        """
        if links.conditions is None:
            return None
        time_s = np.linspace(0.0, horizon_s, TIMES)
        if isinstance(links.conditions, Regimes):
            regimes = links.conditions.names
            counts = links.conditions.devices_in(time_s, devices)
        else:
            regimes = "network", NO_COVERAGE
            covered = [
                sum(links.covered(device, at_s) for device in range(devices))
                for at_s in time_s.tolist()
            ]
            counts = np.stack([covered, devices - np.array(covered)], axis=1)
        if len(regimes) == 2 and not counts[:, -1].any():
            return None
        return cls(time_s, regimes, counts)
