"""A causal language model over item tokens: a new Llama of `transformers`, or pretrained weights.

Every item is one token. The last hidden state against the (tied) item embeddings gives the logits
of the next item, so a list of candidates is one forward pass and always valid.
"""

from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from models.corpus import Corpus
from models.llm.adapters import merged, plain
from models.llm.causal_body import CausalBody, item_table, load_language_model
from models.pretrained import quiet
from models.recommender import CausalRecommender


class CausalLmSettings(CausalBody):
    """A causal language model trained on sequences of item tokens."""

    kind: Literal["causal_lm"] = "causal_lm"
    """Which LLM."""

    def build(self, corpus: Corpus) -> "CausalLm":
        """Return a new causal language model.

        Raises:
            ModelError: the pretrained weights cannot be had or do not fit.
        """
        return CausalLm(self.language_model(corpus), corpus, self.dropout)


class CausalLm(CausalRecommender):
    """A causal model of `transformers` whose tokens are the catalogue and padding (id `items`).

    Args:
        language_model: with item tokens, as `CausalBody.language_model` returns it.
        corpus: what it reads.
        dropout: share of input-embedding and final-state activations dropped in training.
    """

    def __init__(self, language_model: Any, corpus: Corpus, dropout: float) -> None:
        super().__init__(corpus.items, corpus.positions)
        self.language_model: Any = language_model
        self.dropout = nn.Dropout(dropout)

    def encode(self, histories: Tensor) -> Tensor:
        """Return the last hidden state after every position: int64 [B, L] -> [B, L, width].

        No attention mask: with padding on the right, the causal mask hides it from real positions.
        """
        return self.read(plain(self.language_model).get_input_embeddings()(histories))

    def read(self, embedded: Tensor) -> Tensor:
        """Return the last hidden state after every input vector: [B, L, width] -> [B, L, width]."""
        body = plain(self.language_model).base_model
        states: Tensor = body(inputs_embeds=self.dropout(embedded)).last_hidden_state
        dropped: Tensor = self.dropout(states)
        return dropped

    def item_vectors(self) -> Tensor:
        """Return the embeddings of the items as outputs: [items, width]."""
        return item_table(self.language_model)[: self.items]

    def save(self, directory: Path) -> None:
        """Write weights and configuration so that plain `transformers` loads them.

        Adapters are added to the weights that they adapt, for good.
        """
        self.language_model = merged(self.language_model)
        with quiet():
            self.language_model.save_pretrained(directory)

    def load(self, directory: Path) -> None:
        """Read the weights that `save` wrote."""
        self.language_model = load_language_model(directory)
