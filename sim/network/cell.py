"""Networks whose devices share cells: the more of them transfer at once, the slower each."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat
from simpy import Event

from sim.clock import Clock
from sim.network.disturbances import Disturbances
from sim.network.message import Direction
from sim.network.processor_sharing import ProcessorSharing, SharedTransfer
from sim.network.steady import SteadyNetwork
from workloads import draws


class CellNetwork(SteadyNetwork):
    """Cells whose capacity, one each way, is shared equally by the transfers under way.

    Each of n transfers gets min(cap of a device, capacity of the cell / n): processor sharing, the
    fluid limit of a scheduler that serves the phones of a cell in turn. A device has one
    transfer at a time, each way; its others wait for it.
    """

    kind: Literal["cell"]
    cells: int = Field(default=1, ge=1)
    """Number of cells; each device draws the one that it stays in."""
    devices_per_cell: int | None = Field(default=None, ge=1)
    """Instead of `cells`: as many cells as it takes with so many devices in each, in the order of
    devices, so that the load on each stays the same when the fleet grows."""
    down_bps: FiniteFloat = Field(ge=1)
    """Capacity of a cell towards its devices, bit/s."""
    up_bps: FiniteFloat = Field(ge=1)
    """Capacity of a cell towards the cloud, bit/s."""
    device_down_bps: float = Field(default=math.inf, ge=1)
    """Most that a device receives, bit/s; `.inf`: as much as there is."""
    device_up_bps: float = Field(default=math.inf, ge=1)
    """Most that a device sends, bit/s; `.inf`: as much as there is."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("cells", "devices_per_cell"),)

    def cell_of(self, seed: int, devices: int) -> NDArray[np.int64]:
        """Return every device's cell: int64, shape [devices]."""
        if self.devices_per_cell is not None:
            return np.arange(devices) // self.devices_per_cell
        return (draws.uniform(seed, "network cell", 0, devices) * self.cells).astype(np.int64)

    def medium(self, seed: int, devices: int, disturbed: Disturbances) -> "SharedCells":
        """Put every device into a cell."""
        return SharedCells(
            self.cell_of(seed, devices).tolist(),
            (self.up_bps, self.down_bps),
            (self.device_up_bps, self.device_down_bps),
            disturbed,
        )


class SharedCells:
    """Cells whose transfers share capacity, one each way.

    A device in a disturbance has its share of the cell's air time like the others, and carries
    `bandwidth_factor` x as many bits in it. So a disturbance of all devices of a cell is one of its
    capacity and of their caps, from its very start to its very end; and without coverage a transfer
    pauses, and the others share what there is.

    Args:
        cell_of: the cell of each device.
        capacity_bps: of each cell, up and down.
        cap_bps: of each transfer, of which a device has one at a time, up and down.
        disturbances: of the fleet.
    """

    def __init__(
        self,
        cell_of: list[int],
        capacity_bps: tuple[float, float],
        cap_bps: tuple[float, float],
        disturbances: Disturbances,
    ) -> None:
        self._cell_of = cell_of
        self._cells = [
            [ProcessorSharing(capacity, cap) for _ in range(max(cell_of) + 1)]
            for capacity, cap in zip(capacity_bps, cap_bps, strict=True)
        ]
        self._disturbances = disturbances
        self._disturbed: dict[tuple[Direction, int], SharedTransfer] = {}

    def covered(self, device: int, time_s: float) -> bool:
        """Tell whether no disturbance takes the device's network away."""
        return self._disturbances.bandwidth_factor(device, time_s) > 0

    def begin(
        self,
        clock: Clock,
        direction: Direction,
        device: int,
        wire_bytes: int,
        crossed: Event,
    ) -> None:
        """Let bytes begin to cross now; `crossed` succeeds with the time at which the last one has.

        If coverage is lost for ever before that, it succeeds then, with infinity. The device must
        have no other transfer under way in this direction.
        """
        cell = self._cells[direction][self._cell_of[device]]
        if not self._disturbances:
            cell.begin(clock, device, 8 * wire_bytes, 1.0, crossed)
            return
        factor = self._disturbances.bandwidth_factor(device, clock.now)
        transfer = cell.begin(clock, device, 8 * wire_bytes, factor, crossed)
        awaits_change = (direction, device) in self._disturbed
        self._disturbed[direction, device] = transfer
        if not awaits_change:
            self._await_change(clock, direction, device)

    def _await_change(self, clock: Clock, direction: Direction, device: int) -> None:
        """Have an event at the next change of a device's conditions, for what is under way."""
        transfer = self._disturbed[direction, device]
        steps = self._disturbances.steps(device)
        following = steps.at(clock.now) + 1
        if transfer.ended or following == len(steps.start_s):
            del self._disturbed[direction, device]
            if not transfer.ended and steps.factor[-1] == 0:
                clock.succeed_at(clock.now, transfer.crossed, math.inf)
            return

        def change(_: Event) -> None:
            cell = self._cells[direction][self._cell_of[device]]
            cell.change(clock, self._disturbed[direction, device], steps.factor[following])
            self._await_change(clock, direction, device)

        edge = clock.at(steps.start_s[following])
        assert edge.callbacks is not None
        edge.callbacks.append(change)
