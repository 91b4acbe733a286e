"""What the network leaves behind: bytes, coverage over time, and energy by radio."""

from collections.abc import Iterable
from dataclasses import dataclass

from sim.network.coverage import CoverageRecords
from sim.network.links import Links
from sim.network.traffic import NO_TRAFFIC, Traffic
from sim.network.transfers import Transfers
from sim.radio.energy import STATES, add_energy_j, of_all_radios_j


@dataclass(frozen=True)
class NetworkRecords:
    """What became of a fleet's links.

    Attributes:
        traffic: where the bytes were at the end of the simulation.
        coverage: how many devices were on which network; None where all always were on one.
        radio_energy_j: by the name of the radio, then by state: `promotion`, `transfer`, `tail`;
            empty where there is one radio alone.
        spent_j: what all radios spent, by state.
    """

    traffic: Traffic
    coverage: CoverageRecords | None
    radio_energy_j: dict[str, dict[str, float]]
    spent_j: dict[str, float]

    @classmethod
    def of(
        cls, links: Links, blocks: Iterable[Transfers], devices: int, horizon_s: float
    ) -> "NetworkRecords":
        """Look back from the end of the simulation.

        Args:
            links: of the fleet.
            blocks: the transfers that count, block by block, as `Transfers.blocks` yields them.
            devices: number of devices.
            horizon_s: the end.
        """
        radios = links.radios.radios
        traffic = NO_TRAFFIC
        by_radio_j = tuple(dict.fromkeys(STATES, 0.0) for _ in radios)
        for block in blocks:
            traffic += Traffic.of(block, horizon_s)
            add_energy_j(by_radio_j, radios, block, horizon_s)
        named_j = zip((radio.name for radio in radios), by_radio_j, strict=True)
        return cls(
            traffic=traffic,
            coverage=CoverageRecords.of(links, devices, horizon_s),
            radio_energy_j=dict(named_j) if len(radios) > 1 else {},
            spent_j=of_all_radios_j(by_radio_j),
        )
