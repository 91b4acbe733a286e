"""Settings of training."""

from typing import Literal

from pydantic import Field, FiniteFloat

from workloads.settings import Settings


class RecipeSettings(Settings):
    """How one model is trained: AdamW, the epoch with the best calibration NDCG@10 kept."""

    loss: Literal["softmax", "binary_cross_entropy"] = "softmax"
    """`softmax`: of the next item against the catalogue, or against the negatives where a model
    scores pairs. `binary_cross_entropy`: of the next item and each negative by itself."""
    negatives: int = Field(default=100, ge=1)
    """Items drawn for each next item, where it is not compared with the whole catalogue."""
    learning_rate: FiniteFloat = Field(default=1e-3, gt=0)
    """Step size of AdamW after the warm-up."""
    batch_interactions: int = Field(default=1024, ge=1)
    """Interactions to predict in a batch (target positions, without padding)."""
    max_epochs: int = Field(default=30, ge=1)
    """Passes over the training data at most."""
    patience: int = Field(default=2, ge=1)
    """Stop after so many epochs without a better NDCG@10 on the calibration steps."""
    weight_decay: FiniteFloat = Field(default=0.0, ge=0)
    """Decoupled weight decay of AdamW."""
    warmup_batches: int = Field(default=100, ge=0)
    """Batches over which the step size rises linearly from 0."""
    gradient_clip: FiniteFloat = Field(default=1.0, gt=0)
    """Largest Euclidean norm of the gradient; larger ones are scaled down to it."""
    validation_users: int = Field(default=2000, ge=1)
    """Users (evenly spaced) whose calibration steps are ranked after each epoch, at most."""


class SrmRecipeSettings(RecipeSettings):
    """How the SRM is trained."""

    patience: int = Field(default=3, ge=1)
    """Stop after so many epochs without a better NDCG@10 on the calibration steps."""


class LlmRecipeSettings(RecipeSettings):
    """How the LLM is trained."""

    weight_decay: FiniteFloat = Field(default=0.1, ge=0)
    """Decoupled weight decay of AdamW."""


class TrainingSettings(Settings):
    """How both models are trained."""

    srm: SrmRecipeSettings = SrmRecipeSettings()
    """The SRM's recipe."""
    llm: LlmRecipeSettings = LlmRecipeSettings()
    """The LLM's recipe."""
