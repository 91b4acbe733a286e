"""What a way of batching is."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sim.cloud.batching.replica import Replica
from sim.cloud.queue import AttemptQueue
from workloads.settings import Settings

if TYPE_CHECKING:
    from sim.cloud.station import Station


class Batching(Settings):
    """How a replica combines requests. A subclass gives a `kind`."""

    def due_s(self, queue: AttemptQueue) -> float:
        """Return when a free replica takes from a queue in which somebody waits."""
        raise NotImplementedError

    def replica(
        self,
        number: int,
        station: "Station",
        end_s: Callable[[float, float], float],
        stopped: Callable[[Replica], None],
    ) -> Replica:
        """Make a replica that works this way; the arguments are those of `Replica`."""
        raise NotImplementedError
