"""The models' part of a scenario."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

import models.llm
import models.srm
from models.adaptation.settings import AnyAdaptation, NoAdaptation
from models.fusion import Variant
from models.llm import LlmSettings
from models.llm.causal import CausalLmSettings
from models.numerics import Precision
from models.quantisation import Quantisation
from models.srm import SrmSettings
from models.srm.sasrec import SasRecSettings
from models.training.settings import TrainingSettings
from workloads.registry import choice_of, members
from workloads.settings import Settings, invalid

if TYPE_CHECKING:
    AnySrm = SrmSettings
    AnyLlm = LlmSettings
else:
    AnySrm = choice_of(members(models.srm, SrmSettings), "sasrec")
    AnyLlm = choice_of(members(models.llm, LlmSettings), "causal_lm")


class CandidateSettings(Settings):
    """The lists that the LLM generates."""

    count: int = Field(default=50, ge=1)
    """Items in a fresh list."""
    exclude_seen: bool = True
    """Leave items of the generating history out of a list, and drop from it on the device what the
    user has taken since."""


class ModelSettings(Settings):
    """Which models there are, how they are trained and how their orders are fused."""

    srm: AnySrm = SasRecSettings()
    """The small recommendation model on the device."""
    llm: AnyLlm = CausalLmSettings()
    """The large language model in the cloud."""
    training: TrainingSettings = TrainingSettings()
    """How both are trained."""
    candidates: CandidateSettings = CandidateSettings()
    """The lists that the LLM generates."""
    fusion: Variant = 3
    """How a list is ordered for display: 1 LLM only, 2 LLM corrected where the SRM is sure, 3 both,
    4 both with twice the SRM's weight, 5 SRM only, `learned` both with the SRM's weight fitted on
    the calibration steps."""
    adaptation: AnyAdaptation = NoAdaptation()
    """How the SRM's weights change along the run: `none`, `on_device` (every device re-trains a
    small part on its user's recent interactions), `from_cloud` (re-trained there and pushed)."""
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    """Seed of initial weights, batches and dropout."""
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    """Where models are trained and run; `auto` takes a GPU where there is one."""
    precision: Precision = "float32"
    """In which number format trained models read histories. `bfloat16`: half the bits, faster where
    the processor has it, orders change a little. Training and scoring are always float32."""
    quantisation: Quantisation = "none"
    """What devices hold of the SRM. `int8`: a copy with tables and layers rounded to 8 bits, a
    quarter of the bytes; training, and what a device re-trains, stay in float. CPU only."""
    threads: int = Field(default=2, ge=1)
    """Threads of torch on a CPU. Part of the identity of weights and tables, because another number
    can change last digits; so it never follows the machine."""

    @model_validator(mode="after")
    def _rounded_weights_stay(self) -> Self:
        if self.quantisation != "none" and self.adaptation.kind != "none":
            raise invalid(
                f"is {self.quantisation}, and weights that change along the run are not rounded; "
                f"accepted with adaptation {self.adaptation.kind}: none",
                "quantisation",
            )
        return self
