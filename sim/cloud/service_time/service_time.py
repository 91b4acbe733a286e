"""What a service-time model is."""

from workloads.settings import Settings


class ServiceTime(Settings):
    """Time that one replica needs for a batch. A subclass gives a `kind`."""

    def batch_s(self, batch_size: int) -> float:
        """Return the service time of a batch of `batch_size` requests, s."""
        raise NotImplementedError
