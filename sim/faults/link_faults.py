"""The settings of everything that goes wrong with links."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sim.faults.coverage_losses import CoverageLoss
from sim.faults.degradations import Degradation
from sim.network.disturbances import Disturbance
from workloads import draws
from workloads.settings import Settings, invalid


class LinkFaults(Settings):
    """What goes wrong with devices' links; by default nothing."""

    regions: int = Field(default=1, ge=1)
    """Number of regions; every device belongs to one, by an equal chance."""
    degradations: tuple[Degradation, ...] = ()
    """Times in which links are slower, or messages take longer."""
    coverage_losses: tuple[CoverageLoss, ...] = ()
    """Times in which devices have no network."""

    @model_validator(mode="after")
    def _regions_exist(self) -> Self:
        for key in ("degradations", "coverage_losses"):
            for fault in getattr(self, key):
                unknown = [name for name in fault.regions or () if not 0 <= name < self.regions]
                if unknown:
                    known = "only 0" if self.regions == 1 else f"0 to {self.regions - 1}"
                    raise invalid(
                        f"names region {unknown[0]}; faults.regions makes {self.regions}: {known}",
                        key,
                    )
        return self

    def region(self, seed: int, devices: int) -> NDArray[np.int64]:
        """Return the region of each device: int64, shape [devices]."""
        return (draws.uniform(seed, "region", 0, devices) * self.regions).astype(np.int64)

    def unknown_cell(self, cells: int) -> tuple[str, str] | None:
        """Return the key that names none of a network's cells, and what is wrong with it."""
        for key in ("degradations", "coverage_losses"):
            for fault in getattr(self, key):
                for name in fault.cells or ():
                    if not cells:
                        return key, f"names cell {name}, but the network has no cells; give regions"
                    if not 0 <= name < cells:
                        known = "only 0" if cells == 1 else f"0 to {cells - 1}"
                        return key, f"names cell {name}; the network has {known}"
        return None

    def disturbances(
        self, seed: int, devices: int, cell: NDArray[np.int64] | None = None
    ) -> tuple[Disturbance, ...]:
        """Return what the faults do to the links of a fleet, with draws keyed by `seed`.

        Args:
            seed: of the draws.
            devices: number of devices.
            cell: int64, shape [devices]; the cell of each; None where the network has none.
        """
        region = self.region(seed, devices)
        degradations = (
            Disturbance(
                start_s=fault.start_s,
                end_s=fault.end_s,
                devices=fault.hits("degradation", number, region, cell, seed),
                bandwidth_factor=fault.bandwidth_factor,
                extra_latency_s=fault.extra_rtt_s / 2,
            )
            for number, fault in enumerate(self.degradations)
        )
        losses = (
            Disturbance(
                start_s=fault.start_s,
                end_s=fault.end_s,
                devices=fault.hits("coverage loss", number, region, cell, seed),
                bandwidth_factor=0.0,
            )
            for number, fault in enumerate(self.coverage_losses)
        )
        return (*degradations, *losses)
