"""LSC4Rec's collaborative-decision request: ask when the two models' orders disagree too much."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from workloads.settings import invalid

from .policy import Policy, PolicyView

ABOVE_ALL = 1.01
"""A threshold that every consistency lies below."""


class Consistency(Policy):
    """Asks when the consistency of the held list falls below a threshold (LSC4Rec, KDD 2025).

    Consistency lies in [0, 1], and 1 is reached: where both orders are the same, as those of one
    item are. So a threshold of 0 never asks, 1 asks unless they are, and one above 1 asks wherever
    there is a consistency to read, which is not `always` where phones save energy.
    """

    kind: Literal["consistency"] = "consistency"
    threshold: float = Field(ge=0, json_schema_extra={"maximum": ABOVE_ALL})
    """Ask below this consistency, which is in [0, 1]; 1.01 asks at any consistency."""

    @field_validator("threshold")
    @classmethod
    def _is_no_percentage(cls, threshold: float) -> float:
        if threshold > ABOVE_ALL:
            raise invalid(
                f"is {threshold:g}; consistency lies between 0 and 1: accepted are thresholds from "
                f"0 (never asks) to {ABOVE_ALL:g} (asks at any consistency)"
            )
        return threshold

    def asks(self, view: PolicyView) -> NDArray[np.bool_]:
        """Ask where the consistency is below the threshold."""
        return view.consistency < np.float32(self.threshold)
