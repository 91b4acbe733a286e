"""What a network is: settings that make the links of a fleet of devices."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from sim.network.disturbances import Disturbance
from sim.network.framing import Framing
from sim.network.links import Links
from sim.network.loss import LossSettings
from sim.radio.radio import radio_names
from workloads.settings import Settings, invalid


class Network(Settings):
    """Settings of an access network. A subclass gives a `kind` and makes the links."""

    radio: str = "none"
    """Radio whose power states the phone pays for: a name in `sim/radio/radios.yaml`."""
    loss: LossSettings = LossSettings()
    """Lost packets and their retransmission."""
    framing: Framing = Framing()
    """Packets and their headers."""

    @field_validator("radio")
    @classmethod
    def _radio_is_known(cls, radio: str) -> str:
        if radio not in radio_names():
            raise invalid(f"is {radio!r}; accepted: {', '.join(radio_names())}")
        return radio

    def links(
        self,
        seed: int,
        devices: int,
        steps: int,
        disturbances: Sequence[Disturbance] = (),
        classes: NDArray[np.str_] | None = None,
    ) -> Links:
        """Make the links of a fleet.

        Args:
            seed: of the draws.
            devices: number of devices.
            steps: number of replay steps, for which latencies are drawn.
            disturbances: what makes links worse for a while; empty where nothing does.
            classes: str, shape [devices]; name of each device's hardware class, for networks that
                are not alike for all; None where there are no classes.
        """
        raise NotImplementedError

    def cell_of(self, seed: int, devices: int) -> NDArray[np.int64] | None:
        """Return every device's cell: int64, shape [devices]; None where there are no cells."""
        del seed, devices
        return None
