"""Which device follows which policy, where not all follow the same."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sim.policies.policy import Policy


@dataclass(frozen=True, eq=False)
class PolicyAssignment:
    """The policies of a fleet.

    Attributes:
        policies: what devices can follow.
        of_device: int64, shape [devices]: position of each device's policy.
    """

    policies: tuple[Policy, ...]
    of_device: NDArray[np.int64]

    @classmethod
    def uniform(cls, policy: Policy, devices: int) -> Self:
        """Let all devices follow one policy."""
        return cls((policy,), np.zeros(devices, np.int64))

    def of(self, device: int) -> Policy:
        """Return the policy of a device."""
        return self.policies[int(self.of_device[device])]

    @property
    def use_draws(self) -> bool:
        """Whether any policy does, of steps or of sessions."""
        return any(each.uses_draws or each.uses_session_draw for each in self.policies)

    @property
    def read_link(self) -> bool:
        """Whether any policy does."""
        return any(policy.reads_link for policy in self.policies)

    @property
    def read_times(self) -> bool:
        """Whether any policy does."""
        return any(policy.reads_times for policy in self.policies)
