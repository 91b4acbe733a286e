"""SASRec: self-attentive sequential recommendation (Kang and McAuley 2018, arXiv 1808.09781)."""

import math
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from models.corpus import Corpus
from models.recommender import CausalRecommender
from models.srm import SrmSettings


class SasRecSettings(SrmSettings):
    """SASRec with two blocks and shared item embeddings, as in the paper."""

    kind: Literal["sasrec"] = "sasrec"
    """Which SRM."""
    hidden: int = Field(default=64, ge=1)
    """Width d of item embeddings and states."""
    layers: int = Field(default=2, ge=1)
    """Self-attention blocks."""
    heads: int = Field(default=2, ge=1)
    """Attention heads; must divide `hidden`."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of activations dropped in training."""

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> "SasRecSettings":
        if self.hidden % self.heads:
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of heads ({self.heads})")
        return self

    def build(self, corpus: Corpus) -> "SasRec":
        """Return a new SASRec."""
        return SasRec(self, corpus.items, corpus.positions)

    def flops_per_step(self, context: int, scored_items: int) -> float:
        """Return 2 operations a weight (12 d^2 weights a block), attention, and the scores.

        Attention reads `context` + 1 keys and values: 4 d (context + 1) operations a block.
        """
        d = self.hidden
        block = 2 * 6 * d * d + 4 * d * (context + 1)
        return float(self.layers * block + 2 * d * scored_items)


class SasRecBlock(nn.Module):
    """One block: equations 2 to 6 of the paper, each as x + Dropout(g(LayerNorm(x)))."""

    def __init__(self, settings: SasRecSettings) -> None:
        super().__init__()
        d = settings.hidden
        self.heads = settings.heads
        self.attention_norm = nn.LayerNorm(d)
        self.query_key_value = nn.Linear(d, 3 * d)
        self.attention_output = nn.Linear(d, d)
        self.feed_forward_norm = nn.LayerNorm(d)
        self.feed_forward = nn.Sequential(
            nn.Linear(d, d), nn.ReLU(), nn.Dropout(settings.dropout), nn.Linear(d, d)
        )
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, states: Tensor) -> Tensor:
        """Map [B, L, d] to [B, L, d]."""
        states = states + self.dropout(self._attend(self.attention_norm(states)))
        hidden: Tensor = self.dropout(self.feed_forward(self.feed_forward_norm(states)))
        return states + hidden

    def _attend(self, states: Tensor) -> Tensor:
        batch, length, d = states.shape
        split = self.query_key_value(states).view(batch, length, 3, self.heads, d // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        output: Tensor = self.attention_output(mixed.transpose(1, 2).reshape(batch, length, d))
        return output


class SasRec(CausalRecommender):
    """SASRec with item embeddings shared between input and output (section III-E of the paper).

    A device re-trains the gain and the bias of the last normalisation: 2 d numbers.
    """

    adapted = ("norm.",)

    def __init__(self, settings: SasRecSettings, items: int, positions: int) -> None:
        super().__init__(items, positions)
        d = settings.hidden
        self.item_embedding = nn.Embedding(items + 1, d)
        self.position_embedding = nn.Embedding(positions, d)
        self.dropout = nn.Dropout(settings.dropout)
        self.blocks = nn.ModuleList(SasRecBlock(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(d)
        self.scale = math.sqrt(d)
        for embedding in (self.item_embedding, self.position_embedding):
            nn.init.normal_(embedding.weight, std=1 / d)

    def encode(self, histories: Tensor) -> Tensor:
        """Return what the last block gives after every position: int64 [B, L] -> [B, L, d]."""
        position = torch.arange(histories.shape[1], device=histories.device)
        states = self.item_embedding(histories) * self.scale + self.position_embedding(position)
        states = self.dropout(states)
        for block in self.blocks:
            states = block(states)
        read: Tensor = states
        return read

    def states(self, encoded: Tensor) -> Tensor:
        """Return the normed states F of equation 7."""
        normed: Tensor = self.norm(encoded)
        return normed

    def item_vectors(self) -> Tensor:
        """Return the item embeddings N: [items, d]."""
        return self.item_embedding.weight[: self.items]
