"""The settings of everything that goes wrong."""

import itertools
from typing import Self

from pydantic import model_validator

from sim.faults.crashes import Crash, RandomCrashes
from sim.faults.link_faults import LinkFaults
from sim.faults.outages import Outage
from sim.faults.slow_replicas import SlowReplica
from workloads.settings import invalid


class FaultSettings(LinkFaults):
    """What goes wrong in this world; by default nothing."""

    outages: tuple[Outage, ...] = ()
    """Times in which the whole cloud takes no requests. They must not overlap."""
    crashes: tuple[Crash, ...] = ()
    """Replicas that stop in the middle of their work, at given times."""
    random_crashes: RandomCrashes = RandomCrashes()
    """Replicas that stop by chance."""
    slow_replicas: tuple[SlowReplica, ...] = ()
    """Replicas that work slowly for a while."""

    @model_validator(mode="after")
    def _outages_do_not_overlap(self) -> Self:
        in_order = sorted(self.outages, key=lambda outage: outage.start_s)
        for earlier, later in itertools.pairwise(in_order):
            if later.start_s < earlier.end_s:
                raise invalid(
                    f"overlap: one lasts from {earlier.start_s:g} to {earlier.end_s:g} s, another "
                    f"starts at {later.start_s:g} s; each must start when the one before is over",
                    "outages",
                )
        return self

    def slow_windows(self, replica: int) -> tuple[SlowReplica, ...]:
        """Return the windows in which a replica is slow."""
        return tuple(window for window in self.slow_replicas if window.replica == replica)

    def unknown_replica(self, replicas: int) -> tuple[str, str] | None:
        """Return the key that names none of `replicas` replicas, and what is wrong with it."""
        for key in ("crashes", "slow_replicas"):
            for fault in getattr(self, key):
                if fault.replica >= replicas:
                    known = "only 0" if replicas == 1 else f"0 to {replicas - 1}"
                    return key, f"names replica {fault.replica}; the cloud has {known}"
        return None
