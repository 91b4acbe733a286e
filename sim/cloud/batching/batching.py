"""What a way of batching is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from sim.cloud.batching.replica import Replica
from sim.cloud.queue import AttemptQueue
from sim.cloud.service_time.service_time import ServiceTime
from workloads.settings import Settings, invalid

if TYPE_CHECKING:
    from sim.cloud.station import Station


class Batching(Settings):
    """How a replica combines requests. A subclass gives a `kind`.

    Attributes:
        size: most requests together.
    """

    size: int

    changes_batches: ClassVar[bool] = False
    """Whether requests join and leave a batch that runs."""

    def check(self, service_time: ServiceTime) -> None:
        """Refuse service times that do not go with it.

        Raises:
            PydanticCustomError: they do not; its key is relative to the section `cloud`.
        """
        if problem := service_time.too_many(self.size):
            raise invalid(problem, "batching.size")

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
