"""Small models whose weights change along the run: what the simulation is told, and what it asks.

Version 0 of the parameters is what was shipped, and what the outcome table speaks of. Later
versions are made along the run, and what they would show is asked of `AdaptedModels`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class AdaptedOutcome(Protocol):
    """What devices showed with the parameters in force; all arrays have the shape [devices, steps].

    Attributes:
        consistency: float32; of the list held at each decision.
        rank: int; of the next item in what was shown, 1-based, 0 for a miss.
        srm_rank: int; of the next item where the small model alone orders the list shown.
    """

    @property
    def consistency(self) -> NDArray[np.float32]:
        """Consistency of the list held at each decision."""
        ...

    @property
    def rank(self) -> NDArray[Any]:
        """Rank of the next item in what was shown."""
        ...

    @property
    def srm_rank(self) -> NDArray[Any]:
        """Rank of the next item in the small model's order of what was shown."""
        ...


class AdaptedModels(Protocol):
    """What models with other than the shipped parameters would show, in one simulated world.

    What is asked is a pure function of what has been told before, and may be computed when it is
    needed: nothing that happens in the simulation depends on when.
    """

    def signal(self, name: str, device: int, version: int, row: int) -> NDArray[np.float32]:
        """Return a signal of a list of a device, scored with a version of its parameters.

        Args:
            name: one of `sim.outcome_table.SIGNALS`.
            device: whose.
            version: above 0.
            row: the list's row in the outcome table.

        Returns:
            float32, shape [steps]; what is before a list's own step means nothing.

        Raises:
            KeyError: there is no such signal.
        """
        ...

    def outcome(
        self,
        version: NDArray[np.int16],
        held_row: NDArray[np.int16],
        shown_row: NDArray[np.int16],
    ) -> AdaptedOutcome:
        """Return what came of the finished world, from its records: [devices, steps] each."""
        ...


class OnDeviceModels(AdaptedModels, Protocol):
    """Models of which every device has parameters of its own."""

    def begin(self, device: int, version: int, step: int, row: int) -> None:
        """Re-train a device's parameters.

        Args:
            device: whose.
            version: which version this makes, from the one before it; 1 is the first.
            step: the device knows the interactions before this step.
            row: the list that it holds, in the outcome table.
        """
        ...


class CloudModels(AdaptedModels, Protocol):
    """Models of which the cloud makes one version after the other, the same for all devices."""

    def retrain(self, known_step: NDArray[np.int64]) -> float:
        """Make the next version from the one before it; 1 is the first.

        Args:
            known_step: shape [devices]; the cloud knows the device's interactions before this step.
                Negative: how many before the window it does not know.

        Returns:
            Floating-point operations of the training.
        """
        ...


@dataclass(frozen=True)
class OnDeviceAdaptation:
    """Every device re-trains a part of its small model on what it saw last.

    After the list of step t > 0 is shown, where t is a multiple of `every_interactions`, training
    begins, unless the device is still at the last one or its compute budget does not allow it. Only
    one that can serve a later decision begins. The new parameters are in force from the first
    decision at or after its end.

    Attributes:
        every_interactions: R.
        training_flops: operations of one training.
        parameter_bytes: size of what each device has of its own.
        models: makes the models of one world from the user of each device, int64 [devices].
    """

    every_interactions: int
    training_flops: float
    parameter_bytes: int
    models: Callable[[NDArray[np.int64]], OnDeviceModels]

    def trains_at(self, step: int, steps: int) -> bool:
        """Tell whether training may begin when the list of `step` (of `steps`) is shown."""
        return 0 < step < steps - 1 and step % self.every_interactions == 0


@dataclass(frozen=True)
class FromCloudAdaptation:
    """The cloud re-trains the small model and pushes it to the devices.

    It begins at every_s, 2 every_s, ..., with what has reached it by then; an instant at which it
    is still training is passed over. New weights leave at the end of training for every device
    whose session has begun, and for the others (the newest only) when theirs begins. They are in
    force from the first decision at or after the arrival of their last byte. A push has the whole
    downlink, and so has a reply that comes meanwhile.

    Attributes:
        every_s: simulated time from one training to the next.
        accelerator_flops: speed of the training, FLOP/s; it takes no replica's time.
        parameter_bytes: size of what is pushed.
        models: makes the models of one world from the user of each device, int64 [devices].
    """

    every_s: float
    accelerator_flops: float
    parameter_bytes: int
    models: Callable[[NDArray[np.int64]], CloudModels]


Adaptation = OnDeviceAdaptation | FromCloudAdaptation
"""How the weights of the small model change along a run."""
