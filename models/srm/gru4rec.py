"""GRU4Rec: a recurrent recommender (Hidasi et al. 2016, arXiv 1511.06939).

Trained like every causal model here: by the softmax over the whole catalogue, of which the losses
of the paper and of its sequel (Hidasi and Karatzoglou 2018, arXiv 1706.03847) take a sample.
"""

import math
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from models.corpus import Corpus
from models.recommender import CausalRecommender
from models.srm import SrmSettings


class Gru4RecSettings(SrmSettings):
    """GRU4Rec with one recurrent layer and item embeddings shared between input and output."""

    kind: Literal["gru4rec"] = "gru4rec"
    """Which SRM."""
    hidden: int = Field(default=64, ge=1)
    """Width d of item embeddings."""
    recurrent: int = Field(default=128, ge=1)
    """Width s of the recurrent states."""
    layers: int = Field(default=1, ge=1)
    """Recurrent layers."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of activations dropped in training: of embeddings, and between and after layers."""

    def build(self, corpus: Corpus) -> "Gru4Rec":
        """Return a new GRU4Rec."""
        return Gru4Rec(self, corpus.items, corpus.positions)

    def flops_per_step(self, context: int, scored_items: int) -> float:
        """Return 2 operations a weight, and the scores; the context's length does not matter.

        A recurrent layer has 3 gates with weights for its input and for its state; the dense layer
        has s d weights.
        """
        del context  # a state holds all of it
        d, s = self.hidden, self.recurrent
        weights = 3 * s * (d + s) + (self.layers - 1) * 3 * s * 2 * s + s * d
        return float(2 * weights + 2 * d * scored_items)


class Gru4Rec(CausalRecommender):
    """Gated recurrent units over item embeddings, and a dense layer back to their width.

    The embeddings of input and output are one table ("constrained embeddings", section 3.2 of the
    2018 paper). A device re-trains the dense layer: (s + 1) d numbers.
    """

    adapted = ("output.",)

    def __init__(self, settings: Gru4RecSettings, items: int, positions: int) -> None:
        super().__init__(items, positions)
        d = settings.hidden
        self.item_embedding = nn.Embedding(items + 1, d)
        self.dropout = nn.Dropout(settings.dropout)
        self.gru = nn.GRU(
            d,
            settings.recurrent,
            settings.layers,
            batch_first=True,
            dropout=settings.dropout if settings.layers > 1 else 0.0,
        )
        self.output = nn.Linear(settings.recurrent, d)
        self.scale = math.sqrt(d)
        nn.init.normal_(self.item_embedding.weight, std=1 / d)

    def encode(self, histories: Tensor) -> Tensor:
        """Return the recurrent state after every position: int64 [B, L] -> [B, L, s]."""
        states, _ = self.gru(self.dropout(self.item_embedding(histories) * self.scale))
        dropped: Tensor = self.dropout(states)
        return dropped

    def states(self, encoded: Tensor) -> Tensor:
        """Return the dense layer's outputs: [..., s] -> [..., d]."""
        projected: Tensor = self.output(encoded)
        return projected

    def item_vectors(self) -> Tensor:
        """Return the item embeddings: [items, d]."""
        return self.item_embedding.weight[: self.items]
