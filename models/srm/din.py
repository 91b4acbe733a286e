"""DIN: deep interest network (Zhou et al. 2018, arXiv 1706.06978): attention by the candidate."""

from typing import Literal

import torch
from pydantic import Field, FiniteFloat
from torch import Tensor, nn

from models.corpus import Corpus
from models.recommender import Recommender
from models.srm import SrmSettings

ELEMENTS = 2**20
"""Numbers in the largest array of a scan of the catalogue: as many as a processor's cache holds."""


class DinSettings(SrmSettings):
    """DIN with one hidden layer in its activation unit and one in its output network."""

    learning_rate = 4e-3  # with that of the other SRMs it needs several times as many epochs
    kind: Literal["din"] = "din"
    """Which SRM."""
    hidden: int = Field(default=32, ge=1)
    """Width d of item embeddings and of the user vector."""
    unit: int = Field(default=16, ge=1)
    """Hidden width u of the local activation unit."""
    output: int = Field(default=32, ge=1)
    """Hidden width m of the output network."""
    recency: bool = True
    """Weigh an interaction also by how long ago it is, in interactions. DIN itself has no order: a
    history is a set to it. This is an addition for sequential data; false is the paper's DIN."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Share of history embeddings dropped in training."""
    initial_deviation: FiniteFloat = Field(default=0.1, gt=0)
    """Standard deviation of the numbers in embeddings before training."""

    def build(self, corpus: Corpus) -> "Din":
        """Return a new DIN."""
        return Din(self, corpus.items, corpus.positions)

    def flops_per_step(self, context: int, scored_items: int) -> float:
        """Return 2 operations a weight used: attention for every (interaction, item), then output.

        Reading an interaction takes its d u weights of the unit's first layer. An item then takes
        u d + u weights and d products of the pooling for each of the `context` + 1 interactions,
        and 3 d m + m weights of the output network.
        """
        d, u, m = self.hidden, self.unit, self.output
        item = (context + 1) * (u * d + u + d) + 3 * d * m + m
        return float(2 * (d * u + scored_items * item))


class ActivationUnit(nn.Module):
    """The local activation unit a(h, c): how much an interaction h says about a candidate c.

    A network on [h, c, h * c] with one hidden layer, its output not normalised (section 4.3). For a
    given h its first layer is linear in c, with weights W_c + W_x diag(h) and bias W_h h + b: so a
    history is read once, and every candidate takes one product of matrices.
    """

    def __init__(self, d: int, unit: int) -> None:
        super().__init__()
        self.unit = unit
        self.history = nn.Linear(d, unit)
        bound = d**-0.5
        self.candidate = nn.Parameter(torch.empty(unit, d).uniform_(-bound, bound))
        self.product = nn.Parameter(torch.empty(unit, d).uniform_(-bound, bound))
        self.slope = nn.PReLU()
        self.weight = nn.Linear(unit, 1)

    def forward(self, history: Tensor, bias: Tensor, candidates: Tensor) -> Tensor:
        """Return the weights of interactions for candidates.

        Args:
            history: float, shape [B, L, d].
            bias: float, shape [B, L, unit]: `self.history` of it.
            candidates: float, shape [B, N, d], or [1, N, d] for the same in every history.

        Returns:
            float, shape [B, N, L].
        """
        batch, length, d = history.shape
        first = self.candidate + self.product * history[:, :, None]
        first = first.view(batch, length * self.unit, d)
        hidden = torch.matmul(candidates, first.transpose(1, 2)) + bias.reshape(batch, 1, -1)
        activated = self.slope(hidden.view(batch, -1, length, self.unit))
        weight: Tensor = self.weight(activated)
        return weight.squeeze(3)


class Din(Recommender):
    """DIN, whose weights a(h, c) do not depend on the step, so that one reading serves all steps.

    The user vector at step t for candidate c is the sum over positions l <= t of
    rho[t - l] a(h_l, c) h_l, with rho learned from 1 (`recency`) or 1; the output network reads it,
    c, and their product. A device re-trains the output network's last layer: m + 1 numbers.
    """

    adapted = ("logit.",)

    def __init__(self, settings: DinSettings, items: int, positions: int) -> None:
        super().__init__(items, positions)
        d, m = settings.hidden, settings.output
        self.item_embedding = nn.Embedding(items + 1, d)
        self.attention = ActivationUnit(d, settings.unit)
        self.recency = nn.Parameter(torch.ones(positions), requires_grad=settings.recency)
        self.output_user = nn.Linear(d, m)
        self.output_candidate = nn.Linear(d, m, bias=False)
        self.output_product = nn.Linear(d, m, bias=False)
        self.output_slope = nn.PReLU()
        self.logit = nn.Linear(m, 1)
        self.dropout = nn.Dropout(settings.dropout)
        nn.init.normal_(self.item_embedding.weight, std=settings.initial_deviation)

    def encode(self, histories: Tensor) -> Tensor:
        """Return the items' embeddings and what the unit makes of them: [B, L] -> [B, L, d + u]."""
        history = self.dropout(self.item_embedding(histories))
        return torch.cat((history, self.attention.history(history)), dim=2)

    def score(self, encoded: Tensor, steps: Tensor, candidates: Tensor) -> Tensor:
        """Return the logits after `steps`; a(h, c) is computed once for all of them."""
        vectors = self.item_embedding(candidates)
        row = torch.arange(len(steps), device=steps.device).repeat_interleave(steps.shape[1])
        logits = self._judge(
            self._attend(encoded, vectors)[row], encoded[row], steps.flatten(), vectors[row]
        )
        return logits.view(*steps.shape, candidates.shape[1])

    def score_lists(self, encoded: Tensor, row: Tensor, step: Tensor, candidates: Tensor) -> Tensor:
        """Return the logits of lists that share nothing: every row attends for itself."""
        read = encoded[row, : int(step.max()) + 1] if len(step) else encoded[row]
        vectors = self.item_embedding(candidates)
        return self._judge(self._attend(read, vectors), read, step, vectors)

    def score_catalogue(self, encoded: Tensor, row: Tensor, step: Tensor) -> Tensor:
        """Return the logits of all items, one history at a time; its steps share a(h, c)."""
        logits = encoded.new_empty(len(row), self.items)
        for history in torch.unique(row):
            rows = (row == history).nonzero()[:, 0]
            steps = step[rows]
            logits[rows] = self._scan(encoded[history, : int(steps.max()) + 1], steps)
        return logits

    def _scan(self, encoded: Tensor, steps: Tensor) -> Tensor:
        """Return the logits of all items after steps of one history: [L, d + u], [S] -> [S, items].

        Without padding, and for as many items at a time as a cache holds: fifty times faster than
        all histories at once for a few items (measured: 12,101 items, 200 histories of 2 to 50).
        """
        vectors = self.item_embedding.weight[: self.items]
        unit = max(self.attention.unit, len(steps)) * len(encoded)
        output = max(vectors.shape[1], self.logit.in_features) * len(steps)
        parts = []
        for some in torch.split(vectors, max(1, ELEMENTS // max(unit, output))):
            attention = self._attend(encoded[None], some[None])
            parts.append(self._judge(attention, encoded[None], steps, some[None]))
        return torch.cat(parts, dim=1)

    def _attend(self, encoded: Tensor, vectors: Tensor) -> Tensor:
        """Return a(h, c): float [B, L, d + u] and [B or 1, N, d] -> [B, N, L]."""
        d = self.item_embedding.embedding_dim
        weights: Tensor = self.attention(encoded[..., :d], encoded[..., d:], vectors)
        return weights

    def _judge(self, attention: Tensor, encoded: Tensor, step: Tensor, vectors: Tensor) -> Tensor:
        """Pool the history up to each row's step, and return the output network's logits.

        Args:
            attention: float, shape [R, N, L] or [1, N, L].
            encoded: float, shape [R, L, d + u] or [1, L, d + u].
            step: int64, shape [R].
            vectors: float, shape [R, N, d] or [1, N, d].

        Returns:
            float, shape [R, N].
        """
        lag = step[:, None] - torch.arange(encoded.shape[1], device=step.device)
        recency = torch.where(lag >= 0, self.recency[lag.clamp(min=0)], 0.0)
        history = encoded[..., : self.item_embedding.embedding_dim]
        user = torch.matmul(attention, recency[:, :, None] * history)
        hidden = self.output_product(user * vectors) + self.output_user(user)
        hidden = self.output_slope(hidden + self.output_candidate(vectors))
        logits: Tensor = self.logit(hidden)
        return logits.squeeze(2)
