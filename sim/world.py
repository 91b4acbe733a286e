"""A world to simulate: who replays what, under which settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.client.request import Attempt
from sim.client.settings import ServingSettings
from sim.clock import Clock
from sim.cloud.cloud import Cloud
from sim.cloud.settings import CloudSettings
from sim.device.availability import Availability
from sim.device.phones import Phones
from sim.device.settings import DeviceSettings
from sim.device.timeline import Timeline
from sim.faults.settings import FaultSettings
from sim.network import Links, Network
from sim.outcome_table import OutcomeTable
from sim.policies import Policy
from sim.policies.assignment import PolicyAssignment
from sim.retraining.adaptation import Adaptation
from workloads import draws
from workloads.sessions import Sessions

OLDER_THAN_ANY_STEPS = 2**31

SignalColumns = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class World:
    """Everything that a simulation depends on.

    Attributes:
        table: what the models say.
        sessions: which device replays which user, and when.
        context_interactions: int64, shape [users]; interactions that a cloud which knows nothing of
            a replayed user has to be sent at step 0.
        policy, serving, network, hardware, cloud: the settings of each part.
        scoring_flops: operations of one scoring of the list by the SRM.
        scoring_bytes: bytes of the SRM's weights that a scoring reads.
        seed: of the simulation's draws.
        adaptation: how the SRM's weights change along the run; None where they do not.
        faults: what goes wrong.
        assigned: the policies that devices follow in place of `policy`; None: all follow that.
    """

    table: OutcomeTable
    sessions: Sessions
    context_interactions: NDArray[np.int64]
    policy: Policy
    serving: ServingSettings
    network: Network
    hardware: DeviceSettings
    cloud: CloudSettings
    scoring_flops: float
    seed: int
    adaptation: Adaptation | None = None
    faults: FaultSettings = field(default_factory=FaultSettings)
    scoring_bytes: float = 0.0
    assigned: PolicyAssignment | None = None

    @property
    def devices(self) -> int:
        """Number of devices."""
        return len(self.sessions.user)

    @property
    def replicas(self) -> int:
        """Number of replicas in the cloud."""
        return self.cloud.replicas_for(self.devices)

    @cached_property
    def policies(self) -> PolicyAssignment:
        """Which device follows which policy."""
        return self.assigned or PolicyAssignment.uniform(self.policy, self.devices)

    @cached_property
    def signals(self) -> Mapping[str, SignalColumns]:
        """What the policies read of the table: of each signal its cells and those of new lists."""
        names = dict.fromkeys(name for each in self.policies.policies for name in each.signals)
        return {name: (self.table.signal(name), self.table.fresh_signal(name)) for name in names}

    @cached_property
    def phones(self) -> Phones:
        """What the devices are made of."""
        hardware = self.hardware.hardware
        return Phones(
            hardware,
            self.hardware.hardware_of_devices(self.seed, self.devices),
            tuple(each.computing_s(self.scoring_flops, self.scoring_bytes) for each in hardware),
        )

    @cached_property
    def availability(self) -> Availability | None:
        """When apps are in the foreground; None where they always are."""
        settings = self.hardware.availability
        if settings is None:
            return None
        return Availability(settings, self.seed, self.sessions.start_s)

    @cached_property
    def battery_start_shares(self) -> NDArray[np.float64]:
        """Shares of full batteries at the start: [devices], all 1 where there are no batteries."""
        if self.hardware.battery is None:
            return np.ones(self.devices)
        return self.hardware.battery.start_shares(self.seed, self.devices)

    def timeline_of(self, device: int) -> Timeline:
        """Return how a device goes from step to step, as long as its user stays."""
        think_s = self.sessions.think_s[device, : self.sessions.steps[device] - 1]
        return Timeline(device, think_s, self.phones.scoring_s_of(device), self.availability)

    @property
    def first_row(self) -> int:
        """Row of the list that a device holds when its session starts."""
        preloaded = self.serving.first_list == "preloaded"
        return self.table.steps if preloaded else self.table.steps + 1

    def basis_step(self, row: int) -> int:
        """Step whose history the list of a row knows; before 0 for lists older than the window."""
        if row < self.table.steps:
            return row
        preloaded = row == self.table.steps
        return -self.serving.first_list_age_steps if preloaded else -OLDER_THAN_ANY_STEPS

    def first_step_of(self, row: int) -> int | None:
        """Return the first step of a list's cells that tells how it was when new, if one does."""
        if row < self.table.steps:
            return row
        return None if row == self.table.steps else 0

    def first_upload(self, user: int) -> int:
        """Interactions that a request at step 0 uploads: those that the cloud does not know."""
        if self.serving.first_list == "preloaded":
            return self.serving.first_list_age_steps
        return int(self.context_interactions[user])

    @property
    def first_uploads(self) -> NDArray[np.int64]:
        """What `first_upload` tells of each device: int64, shape [devices]."""
        if self.serving.first_list == "preloaded":
            return np.full(self.devices, self.serving.first_list_age_steps)
        return self.context_interactions[self.sessions.user]

    @property
    def last_decision_s(self) -> float:
        """A time before which every device has decided for the last time, however it waited."""
        if self.availability is None:
            ends_s = self.sessions.start_s + self.sessions.thinking_s
            return float(ends_s.max() + (self.table.steps - 1) * self._longest_wait_s)
        # Whoever decides later is not back in the foreground earlier.
        latest_s = 0.0
        for device, start_s in enumerate(self.sessions.start_s.tolist()):
            timeline = replace(self.timeline_of(device), scoring_s=self._longest_wait_s)
            latest_s = max(latest_s, float(timeline.expected_times_s(start_s)[0][-1]))
        return latest_s

    @property
    def _longest_wait_s(self) -> float:
        """Longest time from a decision until its list is shown."""
        scoring_s = max(self.phones.scoring_s)
        if self.serving.mode == "wait":
            return min(self.serving.deadline_s, self.serving.timeout_s) + 2 * scoring_s
        return scoring_s

    @property
    def latest_end_s(self) -> float:
        """A time before which the simulation has ended, however devices waited."""
        return self.last_decision_s + self._longest_wait_s

    def make_cloud(self, clock: Clock, answer: Callable[[Attempt], None]) -> Cloud:
        """Make the cloud; `answer` is called with each attempt when its `answer` is there."""
        return Cloud(
            clock, self.cloud, self.replicas, answer, self.seed, self.faults, self.latest_end_s
        )

    def make_links(self) -> Links:
        """Draw the devices' links."""
        cell = self.network.cell_of(self.seed, self.devices)
        disturbances = self.faults.disturbances(self.seed, self.devices, cell)
        classes = self.phones.classes
        links = self.network.links(self.seed, self.devices, self.table.steps, disturbances, classes)
        links.availability = self.availability
        return links

    def policy_draws(self) -> NDArray[np.float64]:
        """Draw the policies' random numbers: [devices, steps + 1], the last of the session.

        Of the shape [devices, 0] if no policy uses any.
        """
        columns = self.table.steps + 1 if self.policies.use_draws else 0
        return draws.uniform_table(self.seed, "policy", self.devices, columns)
