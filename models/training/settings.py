"""Settings of training."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator

from workloads.registry import KindsInSchema
from workloads.settings import Settings


class RecipeSettings(Settings):
    """How one model is trained: AdamW, the epoch with the best calibration NDCG@10 kept."""

    place: ClassVar[str] = "models.training"
    """Where a scenario has it."""

    loss: Literal["softmax", "binary_cross_entropy"] = "softmax"
    """`softmax`: of the next item against the catalogue, or against the negatives where a model
    scores pairs. `binary_cross_entropy`: of the next item and each negative by itself."""
    negatives: int = Field(default=100, ge=1)
    """Items drawn for each next item, where it is not compared with the whole catalogue."""
    learning_rate: FiniteFloat | None = Field(default=None, gt=0)
    """Step size of AdamW after the warm-up. null: that of the architecture, 0.004 for a DIN and
    0.001 for all others."""
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

    def with_step_size(self, default: float) -> Self:
        """Return the recipe with a step size: its own, or where it names none, the default."""
        chosen = default if self.learning_rate is None else self.learning_rate
        return self.model_copy(update={"learning_rate": chosen})


class SrmRecipeSettings(RecipeSettings):
    """How the SRM is trained."""

    place: ClassVar[str] = "models.training.srm"

    max_epochs: int = Field(default=40, ge=1)
    """Passes over the training data at most."""
    patience: int = Field(default=3, ge=1)
    """Stop after so many epochs without a better NDCG@10 on the calibration steps."""
    validation_users: int = Field(default=4000, ge=1)
    """Users (evenly spaced) whose calibration steps are ranked after each epoch, at most. With
    fewer, chance stops; a DIN ranks so many on 12,101 items in the time of an epoch."""


class LlmRecipeSettings(RecipeSettings):
    """How the LLM is trained."""

    place: ClassVar[str] = "models.training.llm"

    weight_decay: FiniteFloat = Field(default=0.1, ge=0)
    """Decoupled weight decay of AdamW."""


class Independent(Settings):
    """Each model learns from the log by itself."""

    kind: Literal["independent"] = "independent"
    """Which strategy."""


class Cooperative(Settings):
    """The SRM learns to rank inside the lists that the LLM proposes (LSC4Rec's second strategy).

    An example is a training prefix with a list: what the user took next, and items that the LLM
    proposes after the prefix.
    """

    kind: Literal["cooperative"] = "cooperative"
    """Which strategy."""
    lists: Literal["cross_fitted", "in_sample"] = "cross_fitted"
    """Which LLM proposes. `cross_fitted`: of two, each trained without one half of the users, the
    one that has not seen the user, so that lists err as they do later. `in_sample`: the LLM itself,
    as in the paper."""
    candidates: int = Field(default=20, ge=1)
    """The LLM's items in a list, where more of them cost more: an LLM that generates item by item
    is asked for so many, and the list is filled up with items drawn uniformly. An LLM that scores
    the catalogue fills it with its next-ranked items."""
    list_size: int = Field(default=100, ge=2)
    """Items in a list, the one taken among them; more than `candidates`."""
    targets: Literal["proposed", "all"] = "proposed"
    """Which prefixes get a list. `proposed`: those after which the LLM proposes what was taken, as
    only then there is something to rank. `all`: the item taken is put into the list in any case, as
    in the paper; the SRM then also learns that what the LLM does not propose is what is taken."""
    loss: Literal["softmax", "binary_cross_entropy"] = "softmax"
    """Of the item taken in its list: one softmax, or each item by itself as in the paper."""
    start: Literal["independent", "scratch"] = "independent"
    """Whether the SRM is first trained on the log by itself."""
    next_item_weight: FiniteFloat = Field(default=0.0, ge=0)
    """Weight of the SRM's own next-item loss beside that of the lists, so that it does not forget
    the rest of the catalogue."""
    positions_per_user: int = Field(default=100, ge=1)
    """The newest so many training interactions of a user get a list."""

    @model_validator(mode="after")
    def _room_for_the_candidates(self) -> Self:
        if self.list_size <= self.candidates:
            raise ValueError(
                f"list_size ({self.list_size}) must be above candidates ({self.candidates}): the "
                "item taken needs a place"
            )
        return self


def _kind_of_bare_name(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


Strategy = Annotated[
    Independent | Cooperative,
    Field(discriminator="kind"),
    BeforeValidator(_kind_of_bare_name),
    KindsInSchema(bare_names=True),
]


class TrainingSettings(Settings):
    """How both models are trained."""

    strategy: Strategy = Independent()
    """`independent`, `cooperative`, or a mapping with the kind and its parameters."""

    srm: SrmRecipeSettings = SrmRecipeSettings()
    """The SRM's recipe."""
    llm: LlmRecipeSettings = LlmRecipeSettings()
    """The LLM's recipe."""
