"""LSC4Rec's collaborative-decision request: ask when the two models' orders disagree too much."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from workloads.settings import invalid

from .policy import Policy, PolicyView
from .threshold import Quantile, ThresholdPolicy

ABOVE_ALL = 1.01
"""A threshold that every consistency lies below."""

Measure = Literal["footrule", "kendall", "rank_biased_overlap", "top_overlap"]

PENALTY_BASE, PENALTY_PER_INVALID = 4.0, 0.3
"""Of LSC4Rec's penalty, (4 + 0.3 m)^2 ranks for m invalid candidates (its released code)."""


class Consistency(ThresholdPolicy):
    """Asks when the consistency of the held list falls below a threshold (LSC4Rec, KDD 2025).

    Consistency lies in [0, 1], and 1 is reached: where both orders are the same, as those of one
    item are. So a threshold of 0 never asks, 1 asks unless they are, and one above 1 asks wherever
    there is a consistency to read, which is not `always` where phones save energy.
    """

    asks_where: ClassVar[Literal["below", "above"]] = "below"

    kind: Literal["consistency"] = "consistency"
    threshold: (
        Annotated[float, Field(ge=0, json_schema_extra={"maximum": ABOVE_ALL})] | Quantile | None
    ) = None
    """Ask below this consistency, which is in [0, 1]; 1.01 asks at any consistency. Or `{quantile:
    q}` of the calibrating users' consistencies."""
    measure: Measure = "footrule"
    """How two orders are compared: LSC4Rec's `footrule`, `kendall` (tau-b), `rank_biased_overlap`
    (persistence 0.9) or `top_overlap` (of the first ten)."""
    invalid_penalty: bool = False
    """Take LSC4Rec's penalty for candidates that are no items off the footrule consistency. What it
    takes off a list without any, which would be the same everywhere, is left out, and the list's
    own invalid candidates count, where the released code counts those of a batch of users."""

    @field_validator("threshold")
    @classmethod
    def _is_no_percentage(cls, threshold: float | Quantile | None) -> float | Quantile | None:
        if isinstance(threshold, float | int) and threshold > ABOVE_ALL:
            raise invalid(
                f"is {threshold:g}; consistency lies between 0 and 1: accepted are thresholds from "
                f"0 (never asks) to {ABOVE_ALL:g} (asks at any consistency)"
            )
        return threshold

    @field_validator("invalid_penalty")
    @classmethod
    def _penalises_footrule(cls, penalises: bool, info: Any) -> bool:
        if penalises and info.data.get("measure", "footrule") != "footrule":
            raise invalid("is a number of ranks, and takes measure: footrule")
        return penalises

    @property
    def signals(self) -> tuple[str, ...]:
        """The measure, and what the penalty needs."""
        return (self.measure, "invalid_candidates") if self.invalid_penalty else (self.measure,)

    def measured(self, view: PolicyView) -> NDArray[Any]:
        """Return the consistency."""
        consistency = view.signals[self.measure]
        if not self.invalid_penalty:
            return consistency
        invalid_candidates = view.signals["invalid_candidates"]
        ranks = (PENALTY_BASE + PENALTY_PER_INVALID * invalid_candidates) ** 2 - PENALTY_BASE**2
        # A mean rank difference of n / 2 is a consistency of 0.
        penalty = ranks / np.float32(max(view.candidate_count, 1) / 2)
        return np.asarray(np.maximum(consistency - penalty, 0), np.float32)

    @property
    def eagerness(self) -> float:
        """The threshold, as a share of the one that asks at any consistency."""
        return float(min(self.own / ABOVE_ALL, 1.0))

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy with the threshold of that eagerness."""
        return self.with_own(ABOVE_ALL * eagerness)
