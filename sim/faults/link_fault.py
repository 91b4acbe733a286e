"""What all faults of links have in common: whom they hit."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat

from sim.faults.window import Window
from workloads import draws


class LinkFault(Window):
    """A window in which some devices' links are not what they should be.

    It hits all devices where neither `share` nor `regions` is given.
    """

    share: FiniteFloat = Field(default=1.0, gt=0, le=1)
    """Probability that it hits a device, each on its own."""
    regions: tuple[int, ...] | None = Field(default=None, min_length=1)
    """Instead of `share`: it hits all devices of these regions, from 0."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("share", "regions"),)

    def hits(
        self, purpose: str, number: int, region: NDArray[np.int64], seed: int
    ) -> NDArray[np.bool_]:
        """Return whom it hits: bool, shape [devices].

        Args:
            purpose: of the draws.
            number: which of the faults of its sort it is; each has draws of its own.
            region: int64, shape [devices].
            seed: of the draws.
        """
        if self.regions is not None:
            return np.isin(region, self.regions)
        return draws.uniform(seed, purpose, number, len(region)) < self.share
