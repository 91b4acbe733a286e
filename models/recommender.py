"""What every scoring recommender can do, small or large: read histories and score items."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

WEIGHTS_FILE = "model.safetensors"


class Recommender(nn.Module, ABC):
    """A sequential recommender over items 0 .. `items`-1; id `items` is padding.

    Histories are padded on the right, and what is scored after position j depends on the items at
    positions 0 .. j alone. So one call scores after every step, and padding changes nothing.

    A model reads (`encode`) and then scores. What a device re-trains on its own is the part
    `adapted`, which scoring uses and reading does not: so one reading serves all devices.

    Attributes:
        items: items in the catalogue.
        positions: the longest history it reads.
        adapted: names (prefixes) of the parameters that a device re-trains.
    """

    adapted: ClassVar[tuple[str, ...]] = ()

    def __init__(self, items: int, positions: int) -> None:
        super().__init__()
        self.items = items
        self.positions = positions

    @abstractmethod
    def encode(self, histories: Tensor) -> Tensor:
        """Read histories: int64 [B, L] -> float [B, L, width], whatever scoring needs of them."""

    @abstractmethod
    def score(self, encoded: Tensor, steps: Tensor, candidates: Tensor) -> Tensor:
        """Return the logits of one list of each history after some of its positions.

        Args:
            encoded: what `encode` returned, shape [B, L, width].
            steps: int64, shape [B, S]: score after the item at this position.
            candidates: int64, shape [B, N].

        Returns:
            float, shape [B, S, N].
        """

    @abstractmethod
    def score_lists(self, encoded: Tensor, row: Tensor, step: Tensor, candidates: Tensor) -> Tensor:
        """Return the logits of a list of its own after each of some positions of some histories.

        Args:
            encoded: what `encode` returned, shape [B, L, width].
            row: int64, shape [R]: which of the B histories.
            step: int64, shape [R]: score after the item at this position.
            candidates: int64, shape [R, N].

        Returns:
            float, shape [R, N].
        """

    @abstractmethod
    def score_catalogue(self, encoded: Tensor, row: Tensor, step: Tensor) -> Tensor:
        """Return the logits of all items after some positions of some histories.

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
    def item_vectors(self) -> Tensor:
        """Return the embeddings of the items without padding: float [items, d]."""

    def states(self, encoded: Tensor) -> Tensor:
        """Return the states that items are compared with: float [..., width] -> [..., d]."""
        return encoded

    def score(self, encoded: Tensor, steps: Tensor, candidates: Tensor) -> Tensor:
        """Return the products of the states after `steps` and the candidates' embeddings."""
        rows = torch.arange(len(encoded), device=encoded.device)[:, None]
        states = self.states(encoded[rows, steps])
        return torch.einsum("bsd,bnd->bsn", states, self.item_vectors()[candidates])

    def score_lists(self, encoded: Tensor, row: Tensor, step: Tensor, candidates: Tensor) -> Tensor:
        """Return the products of each state and its own candidates' embeddings."""
        states = self.states(encoded[row, step])
        return torch.einsum("rd,rnd->rn", states, self.item_vectors()[candidates])

    def score_catalogue(self, encoded: Tensor, row: Tensor, step: Tensor) -> Tensor:
        """Return the products of the states and all item embeddings."""
        return functional.linear(self.states(encoded[row, step]), self.item_vectors())
