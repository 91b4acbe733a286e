"""What training minimises, and what it stops by."""

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Objective(ABC):
    """The examples of a training, their loss, and the quality that early stopping watches.

    Attributes:
        targets: int64, shape [examples]: predictions that each example asks for; batches hold about
            as many of them as the recipe says.
    """

    targets: NDArray[np.int64]

    @abstractmethod
    def loss(self, examples: NDArray[np.int64]) -> Tensor:
        """Return the mean loss of all predictions of some examples; the model is training."""

    @abstractmethod
    def validate(self) -> float:
        """Return NDCG@10 on calibration data, the model evaluating; nan where there is none."""
