"""Re-training on one device: when it begins and ends, and which parameters are in force."""

from copy import copy

import numpy as np
from numpy.typing import NDArray

from sim.device.compute_budget import ComputeBudget
from sim.device.hardware import Hardware
from sim.retraining.adaptation import OnDeviceAdaptation, OnDeviceModels
from sim.retraining.records import Training, TrainingLog

Times = NDArray[np.float64]
NOT_TRAINING_S = float("inf")


class DeviceTraining:
    """The trainings of one device, told step by step what it showed.

    Attributes:
        training_s: how long one takes.
        budget: what the device may compute.

    Args:
        adaptation: when it trains, and what that takes.
        models: told what to train.
        hardware: its speed.
        budget: what it may compute.
        log: the fleet's trainings.
        device: which device.
    """

    def __init__(
        self,
        adaptation: OnDeviceAdaptation,
        models: OnDeviceModels,
        hardware: Hardware,
        budget: ComputeBudget,
        log: TrainingLog,
        device: int,
    ) -> None:
        self._adaptation = adaptation
        self.training_s = hardware.computing_s(adaptation.training_flops)
        self.budget = budget
        self._models = models
        self._log = log
        self._device = device
        self._version = 0
        self._ends_s = NOT_TRAINING_S

    @property
    def begun(self) -> int:
        """How many trainings have begun."""
        return self._version + (self._ends_s < NOT_TRAINING_S)

    def version_at(self, decision_s: float) -> int:
        """Return the parameters in force at a decision, not before the last one asked about."""
        if self._ends_s <= decision_s:
            self._ends_s = NOT_TRAINING_S
            self._version += 1
        return self._version

    def show(self, step: int, steps: int, shown_s: float, row: int) -> None:
        """Begin to train, where it is time to, after a step showed the list of a row."""
        if not self._adaptation.trains_at(step, steps):
            return
        if self._ends_s < NOT_TRAINING_S:
            self._log.skipped_while_training += 1
        elif not self.budget.spend(shown_s, self._adaptation.training_flops):
            self._log.skipped_for_budget += 1
        else:
            self._ends_s = shown_s + self.training_s
            self._models.begin(self._device, self._version + 1, step, row)
            self._log.trainings.append(
                Training(self._device, self._version + 1, shown_s, self._ends_s)
            )

    def first_change(self, step: int, decision_s: Times, shown_s: Times) -> int:
        """Return the first step after `step` that other parameters serve, if nothing waits.

        Returns:
            The number of steps where there is none.
        """
        steps, ends_s, budget = len(decision_s), self._ends_s, copy(self.budget)
        for later in range(step, steps):
            if ends_s <= decision_s[later]:
                return later
            due = self._adaptation.trains_at(later, steps) and ends_s == NOT_TRAINING_S
            if due and budget.spend(float(shown_s[later]), self._adaptation.training_flops):
                ends_s = shown_s[later] + self.training_s
        return steps
