"""Settings of how the SRM's weights change along the run."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field, FiniteFloat

from workloads.registry import choice_of
from workloads.settings import Settings


class NoAdaptation(Settings):
    """The SRM stays as it was shipped."""

    kind: Literal["none"] = "none"


class OnDeviceSettings(Settings):
    """Every device re-trains a small part of the SRM on what its user took last."""

    kind: Literal["on_device"] = "on_device"
    every_interactions: int = Field(default=5, ge=1)
    """Interactions from one training to the next."""
    gradient_steps: int = Field(default=3, ge=1)
    """Steps of plain gradient descent, each over all of the recent interactions."""
    recent_interactions: int = Field(default=5, ge=1)
    """Newest interactions that it trains on."""
    learning_rate: FiniteFloat = Field(default=2.0, gt=0)
    """Step size of plain gradient descent (LSC4Rec re-trains all weights by Adam). Large, as the
    mean gradient of so few numbers is small. Chosen, with the other defaults, for SASRec on
    MovieLens 100K without each user's last 20 interactions."""


class FromCloudSettings(Settings):
    """The cloud re-trains the whole SRM on recent behaviour and pushes it to every device.

    It predicts next items in the catalogue, which slowly undoes a training on the LLM's lists. The
    first version also learns what was kept for calibration, as the cloud knows it by then.
    """

    kind: Literal["from_cloud"] = "from_cloud"
    every_h: FiniteFloat = Field(default=0.1, ge=0.001)
    """Simulated hours from one training to the next; a replay of 20 steps takes minutes."""
    epochs: int = Field(default=1, ge=1)
    """Passes over every user's newest training window, whose end devices have uploaded."""
    learning_rate: FiniteFloat = Field(default=1e-4, gt=0)
    """Step size of AdamW."""
    accelerator_flops: float = Field(default=1e13, ge=1)
    """Sustained speed of the training in the cloud, FLOP/s, beside the replicas that serve; `.inf`
    trains in no time. An assumption."""


if TYPE_CHECKING:
    AnyAdaptation = NoAdaptation | OnDeviceSettings | FromCloudSettings
else:
    AnyAdaptation = choice_of((NoAdaptation, OnDeviceSettings, FromCloudSettings), "none")
