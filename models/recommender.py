"""What every recommender can do, small or large: read histories and score items."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from workloads.settings import Settings

WEIGHTS_FILE = "model.safetensors"


class Recommender(nn.Module, ABC):
    """A sequential recommender over items 0 .. `items`-1; id `items` is padding.

    Histories are padded on the right, and what is scored after position j depends on the items at
    positions 0 .. j alone. So one call scores after every step, and padding changes nothing.

    Attributes:
        items: items in the catalogue.
        positions: the longest history it reads.
        binary_logits: True where a logit is the log-odds of a click (binary cross-entropy), False
            where only differences of logits mean anything (softmax). The fusion treats them so.
    """

    binary_logits: ClassVar[bool] = False

    def __init__(self, items: int, positions: int) -> None:
        super().__init__()
        self.items = items
        self.positions = positions

    @abstractmethod
    def encode(self, histories: Tensor) -> Tensor:
        """Read histories: int64 [B, L] -> float [B, L, width], whatever `score` needs of them."""

    @abstractmethod
    def score(self, encoded: Tensor, steps: Tensor, candidates: Tensor) -> Tensor:
        """Return the logits of candidates after some positions of each history.

        Args:
            encoded: what `encode` returned, shape [B, L, width].
            steps: int64, shape [B, S]: score after the item at this position.
            candidates: int64, shape [B, N].

        Returns:
            float, shape [B, S, N].
        """

    @abstractmethod
    def score_catalogue(self, encoded: Tensor, row: Tensor, step: Tensor) -> Tensor:
        """Return the logits of all items after some histories.

        Args:
            encoded: what `encode` returned, shape [B, L, width].
            row: int64, shape [R]: which of the B histories.
            step: int64, shape [R]: score after the item at this position.

        Returns:
            float, shape [R, items].
        """

    def parameter_counts(self) -> tuple[int, int]:
        """Return the number of parameters, and of those outside embedding tables."""
        total = sum(parameter.numel() for parameter in self.parameters())
        tables = (module for module in self.modules() if isinstance(module, nn.Embedding))
        return total, total - sum(table.weight.numel() for table in tables)

    def save(self, directory: Path) -> None:
        """Write the weights into `directory` as safetensors."""
        tensors = {name: value.detach().contiguous() for name, value in self.state_dict().items()}
        save_file(tensors, directory / WEIGHTS_FILE)

    def load(self, directory: Path) -> None:
        """Read the weights that `save` wrote."""
        self.load_state_dict(load_file(directory / WEIGHTS_FILE))


class CausalRecommender(Recommender):
    """A recommender whose score is the product of a causal state and the item's embedding."""

    @abstractmethod
    def states(self, histories: Tensor) -> Tensor:
        """Return the state after every position, in one causal pass: [B, L] -> float [B, L, d]."""

    @abstractmethod
    def item_vectors(self) -> Tensor:
        """Return the embeddings of the items without padding: float [items, d]."""

    def encode(self, histories: Tensor) -> Tensor:
        """Return `states(histories)`."""
        return self.states(histories)

    def score(self, encoded: Tensor, steps: Tensor, candidates: Tensor) -> Tensor:
        """Return the product of the states after `steps` and the candidates' embeddings."""
        rows = torch.arange(len(encoded), device=encoded.device)[:, None]
        return torch.einsum("bsd,bnd->bsn", encoded[rows, steps], self.item_vectors()[candidates])

    def score_catalogue(self, encoded: Tensor, row: Tensor, step: Tensor) -> Tensor:
        """Return the product of the states and all item embeddings."""
        return encoded[row, step] @ self.item_vectors().T


class RecommenderSettings(Settings, ABC):
    """Settings of a model's architecture; each member of a family derives its own."""

    features: ClassVar[str] = "item ids in order"
    """What the model knows of an interaction, in words."""

    @abstractmethod
    def build(self, items: int, positions: int) -> Recommender:
        """Return a new model with weights from torch's current random state."""

    @abstractmethod
    def flops_per_step(self, context: int, scored_items: int) -> float:
        """Return the floating-point operations to read one more interaction and score items.

        Args:
            context: interactions already read (their keys and values are kept).
            scored_items: items scored after it.
        """
