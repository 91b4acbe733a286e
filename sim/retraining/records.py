"""What was trained along a run, and pushed to devices."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sim.client.request import NEVER_S
from sim.records.interactions import InteractionRecords
from sim.retraining.adaptation import AdaptedModels, AdaptedOutcome


@dataclass(frozen=True, slots=True)
class Training:
    """One training of the SRM along the run.

    Attributes:
        device: whose; -1 is the cloud.
        version: which version of the parameters it made.
        start_s, end_s: when.
    """

    device: int
    version: int
    start_s: float
    end_s: float


@dataclass(slots=True)
class Push:
    """Weights on their way to one device.

    Attributes:
        device: whose.
        version: which version of the parameters.
        start_s: when the download began.
        size_bytes: size.
        received_s: when its last byte arrived; infinite until then.
    """

    carries_parameters: ClassVar[bool] = True
    number: ClassVar[int] = 0

    device: int
    version: int
    start_s: float
    size_bytes: int
    received_s: float = NEVER_S

    @property
    def step(self) -> int:
        """What tells it from the device's other pushes, in the order of messages and in draws."""
        return self.version


@dataclass(slots=True)
class TrainingLog:
    """What was trained and pushed, as it happens.

    Attributes:
        trainings, pushes: in any order.
        skipped_for_budget: trainings that a device's compute budget did not allow.
        skipped_while_training: trainings that were due before the last one had ended.
    """

    trainings: list[Training] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    skipped_for_budget: int = 0
    skipped_while_training: int = 0

    @property
    def training_s(self) -> float:
        """How long all trainings took together."""
        return sum(each.end_s - each.start_s for each in self.trainings)

    def on_devices_s(self, devices: NDArray[np.bool_]) -> float:
        """Return how long those on some devices took: bool, shape [devices]."""
        return sum(
            each.end_s - each.start_s
            for each in self.trainings
            if each.device >= 0 and devices[each.device]
        )

    def close(self, interactions: InteractionRecords) -> "TrainingLog":
        """Return it without what came too late for anybody, in the order of time and device.

        A training is too late after the end of the simulation, a push after the device's last
        decision.
        """
        last_s = interactions.last_decision_s
        trainings = [each for each in self.trainings if each.start_s <= interactions.horizon_s]
        pushes = [each for each in self.pushes if each.start_s <= last_s[each.device]]
        return TrainingLog(
            sorted(trainings, key=lambda each: (each.start_s, each.device)),
            sorted(pushes, key=lambda each: (each.start_s, each.device)),
            self.skipped_for_budget,
            self.skipped_while_training,
        )


@dataclass(frozen=True)
class AdaptationRecords:
    """What became of weights that change along the run.

    Attributes:
        log: what was trained and pushed.
        outcome: what devices showed with the parameters in force.
    """

    log: TrainingLog
    outcome: AdaptedOutcome

    @classmethod
    def of(
        cls, log: TrainingLog, interactions: InteractionRecords, models: AdaptedModels
    ) -> "AdaptationRecords":
        """Return what became of the trainings in a finished simulation."""
        return cls(
            log.close(interactions),
            models.outcome(interactions.version, interactions.held_row, interactions.shown_row),
        )

    def of_devices(self, first: int, end: int) -> "AdaptationRecords":
        """Return this with what the devices first .. end - 1 showed alone, as views."""
        whole = self.outcome
        columns = (whole.consistency, whole.rank, whole.srm_rank)
        return AdaptationRecords(self.log, ShownByDevices(*(each[first:end] for each in columns)))


@dataclass(frozen=True)
class ShownByDevices:
    """What some devices showed with the parameters in force, as `AdaptedOutcome` says."""

    consistency: NDArray[np.float32]
    rank: NDArray[Any]
    srm_rank: NDArray[Any]
