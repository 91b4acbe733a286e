"""Settings of a model: how it is built and trained, how it is asked, and what that costs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from models.candidate_source import CandidateSource, CatalogueScan
from models.corpus import Corpus
from models.numerics import NumericsPlan
from models.recommender import Recommender
from models.training.next_item import NextItem
from models.training.objective import Objective
from models.training.settings import RecipeSettings
from workloads.progress import Progress
from workloads.settings import Settings

WHOLE_TRAINING_PART = "all training interactions"


@dataclass(frozen=True)
class RequestCost:
    """What one request for a candidate list costs a model.

    Attributes:
        prompt_tokens: tokens that it reads.
        decode_tokens: tokens that it generates one after the other; 0 where one pass gives a list.
        flops: floating-point operations.
    """

    prompt_tokens: float
    decode_tokens: float
    flops: float


class Architecture(Settings, ABC):
    """Settings of a model; each member of a family derives its own.

    The defaults are those of a `Recommender`, which scores items. A model of another kind overrides
    `objective` and `candidate_source`; its class still has `parameter_counts`, `save` and `load`.
    """

    features: ClassVar[str] = "item ids in order"
    """What the model knows of an interaction, in words."""
    learning_rate: ClassVar[float] = 1e-3
    """Step size of AdamW for a recipe that names none."""

    @property
    def knowledge(self) -> str:
        """How much of the training data it learns from, in words."""
        return WHOLE_TRAINING_PART

    def check(self, corpus: Corpus) -> None:
        """Refuse, before anything trains, a corpus that the model cannot be built for.

        Raises:
            ModelError: what does not fit.
        """
        del corpus  # most models fit every corpus

    @abstractmethod
    def build(self, corpus: Corpus) -> Any:
        """Return a new model (an `nn.Module`), weights from torch's current random state."""

    @abstractmethod
    def flops_per_step(self, context: int, scored_items: int) -> float:
        """Return the floating-point operations to read one more interaction and score items.

        Args:
            context: interactions already read (their keys and values are kept).
            scored_items: items scored after it.
        """

    def request_cost(self, corpus: Corpus, candidates: int) -> RequestCost:
        """Return what a list of so many candidates costs after a full history, nothing kept.

        By default: one token an interaction, and one pass over the history, whose last position
        scores the catalogue.
        """
        del candidates  # the whole catalogue is scored in any case
        tokens = corpus.history
        flops = sum(self.flops_per_step(context, 0) for context in range(tokens - 1))
        flops += self.flops_per_step(tokens - 1, corpus.items)
        return RequestCost(float(tokens), 0.0, float(flops))

    def identity(self) -> dict[str, Any]:
        """Return everything that the architecture contributes to what its weights depend on."""
        return self.model_dump(mode="json")

    def list_identity(self) -> dict[str, Any]:
        """Return everything that it contributes to what its lists depend on, beside its weights."""
        return self.identity()

    def make_ready(
        self,
        model: Any,
        corpus: Corpus,
        plan: NumericsPlan,
        cache_dir: Path | None,
        progress: Progress,
    ) -> None:
        """Do what a new model needs before it is trained, and takes long: most models nothing.

        It must leave torch's random state as it is.

        Args:
            model: as `build` returned it, on the plan's device.
            corpus: what it will learn from.
            plan: how to compute.
            cache_dir: keeps what other trainings need too; None keeps nothing.
            progress: told of it.
        """
        del model, corpus, plan, cache_dir, progress

    def objective(
        self, model: Any, corpus: Corpus, recipe: RecipeSettings, plan: NumericsPlan, seed: int
    ) -> Objective:
        """Return what training minimises and stops by."""
        assert isinstance(model, Recommender)
        return NextItem(model, corpus, recipe, plan, seed)

    def candidate_source(
        self, model: nn.Module, corpus: Corpus, plan: NumericsPlan, exclude_seen: bool
    ) -> CandidateSource:
        """Return the model (in evaluation mode) as a source of candidate lists."""
        assert isinstance(model, Recommender)
        return CatalogueScan(model, corpus.log, plan, exclude_seen)
