"""What the network leaves behind: bytes, coverage over time, and energy by radio."""

from dataclasses import dataclass

from sim.network.coverage import CoverageRecords
from sim.network.links import Links
from sim.network.traffic import Traffic
from sim.network.transfers import Transfers
from sim.radio.energy import energy_by_radio_j


@dataclass(frozen=True)
class NetworkRecords:
    """What became of a fleet's links.

    Attributes:
        traffic: where the bytes were at the end of the simulation.
        coverage: how many devices were on which network; None where all always were on one.
        radio_energy_j: by the name of the radio, then by state: `promotion`, `transfer`, `tail`;
            empty where there is one radio alone.
    """

    traffic: Traffic
    coverage: CoverageRecords | None
    radio_energy_j: dict[str, dict[str, float]]

    @classmethod
    def of(
        cls, links: Links, transfers: Transfers, devices: int, horizon_s: float
    ) -> "NetworkRecords":
        """Look back from the end of the simulation.

        Args:
            links: of the fleet.
            transfers: those that count.
            devices: number of devices.
            horizon_s: the end.
        """
        radios = links.radios.radios
        energy_j: dict[str, dict[str, float]] = {}
        if len(radios) > 1:
            spent_j = energy_by_radio_j(radios, transfers, horizon_s)
            energy_j = dict(zip((radio.name for radio in radios), spent_j, strict=True))
        return cls(
            traffic=Traffic.of(transfers, horizon_s),
            coverage=CoverageRecords.of(links, devices, horizon_s),
            radio_energy_j=energy_j,
        )
