"""What all faults of links have in common: whom they hit."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from sim.faults.window import Window
from workloads import draws


class LinkFault(Window):
    """A window in which some devices' links are not what they should be.

    It hits all devices where neither `share` nor `regions` nor `cells` is given.
    """

    share: FiniteFloat = Field(default=1.0, gt=0, le=1)
    """Probability that it hits a device, each on its own."""
    regions: tuple[int, ...] | None = Field(default=None, min_length=1)
    """Instead of `share`: it hits all devices of these regions, from 0."""
    cells: tuple[int, ...] | None = Field(default=None, min_length=1)
    """Instead of `share`: it hits all devices in these cells of the network, from 0."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("share", "regions", "cells"),)

    def hits(
        self,
        purpose: str,
        number: int,
        region: NDArray[np.int64],
        cell: NDArray[np.int64] | None,
        seed: int,
    ) -> NDArray[np.bool_]:
        """Return whom it hits: bool, shape [devices].

        Args:
            purpose: of the draws.
            number: which of the faults of its sort it is; each has draws of its own.
            region: int64, shape [devices].
            cell: int64, shape [devices]; None where the network has no cells.
            seed: of the draws.

        Raises:
            ValueError: it hits cells, and there are none.
        """
        if self.cells is not None:
            if cell is None:
                raise ValueError("a fault of cells needs a network that has cells")
            return np.isin(cell, self.cells)
        if self.regions is not None:
            return np.isin(region, self.regions)
        return draws.uniform(seed, purpose, number, len(region)) < self.share
