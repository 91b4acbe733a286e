"""A causal language model over item tokens: the Llama architecture of `transformers`, from scratch.

Every item is one token. The last hidden state against the (tied) item embeddings gives the logits
of the next item, so a list of candidates is one forward pass and always valid.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator
from safetensors.torch import load_file
from torch import Tensor, nn

from models.corpus import Corpus
from models.llm import LlmSettings
from models.recommender import WEIGHTS_FILE, CausalRecommender

if TYPE_CHECKING:
    from transformers import LlamaConfig


class CausalLmSettings(LlmSettings):
    """A small Llama (Touvron et al. 2023, arXiv 2302.13971) trained on item sequences."""

    kind: Literal["causal_lm"] = "causal_lm"
    """Which LLM."""
    hidden: int = Field(default=128, ge=2)
    """Width of item embeddings and states."""
    layers: int = Field(default=2, ge=1)
    """Decoder layers."""
    heads: int = Field(default=4, ge=1)
    """Attention heads; `hidden` must be a multiple of twice this (rotary pairs)."""
    intermediate: int = Field(default=384, ge=1)
    """Width of the gated feed-forward layer."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of input-embedding and final-state activations dropped in training (Llama has none)."""

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> "CausalLmSettings":
        if self.hidden % (2 * self.heads):
            raise ValueError(
                f"hidden ({self.hidden}) must be a multiple of 2 x heads ({2 * self.heads})"
            )
        return self

    def build(self, corpus: Corpus) -> "CausalLm":
        """Return a new causal language model."""
        return CausalLm(self, corpus.items, corpus.positions)

    def flops_per_step(self, context: int, scored_items: int) -> float:
        """Return 2 operations a weight, attention over the kept keys and values, and the scores.

        A layer has 4 h^2 attention and 3 h m feed-forward weights (h hidden, m intermediate);
        attention reads `context` + 1 keys and values: 4 h (context + 1) operations.
        """
        h, m = self.hidden, self.intermediate
        layer = 2 * (4 * h * h + 3 * h * m) + 4 * h * (context + 1)
        return float(self.layers * layer + 2 * h * scored_items)


def _llama_config(settings: CausalLmSettings, items: int, positions: int) -> "LlamaConfig":
    from transformers import LlamaConfig  # here, because its import takes seconds

    return LlamaConfig(
        vocab_size=items + 1,
        pad_token_id=items,
        bos_token_id=None,
        eos_token_id=None,
        hidden_size=settings.hidden,
        intermediate_size=settings.intermediate,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        max_position_embeddings=positions,
        tie_word_embeddings=True,
        use_cache=False,
        attn_implementation="sdpa",
    )


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Keep `transformers` from drawing bars of its own across those of the testbed."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


class CausalLm(CausalRecommender):
    """A `LlamaForCausalLM` whose vocabulary is the catalogue and one padding token (id `items`)."""

    def __init__(self, settings: CausalLmSettings, items: int, positions: int) -> None:
        super().__init__(items, positions)
        from transformers import LlamaForCausalLM  # here, because its import takes seconds

        self.llama: Any = LlamaForCausalLM(_llama_config(settings, items, positions))
        self.dropout = nn.Dropout(settings.dropout)

    def encode(self, histories: Tensor) -> Tensor:
        """Return the normed last hidden state after every position: int64 [B, L] -> [B, L, hidden].

        No attention mask: with padding on the right, the causal mask hides it from real positions.
        """
        embedded = self.dropout(self.llama.get_input_embeddings()(histories))
        states: Tensor = self.llama.model(inputs_embeds=embedded).last_hidden_state
        dropped: Tensor = self.dropout(states)
        return dropped

    def item_vectors(self) -> Tensor:
        """Return the item embeddings: [items, hidden]."""
        weight: Tensor = self.llama.get_input_embeddings().weight
        return weight[: self.items]

    def save(self, directory: Path) -> None:
        """Write the weights and the configuration so that plain `transformers` loads them."""
        with _no_progress_bars():
            self.llama.save_pretrained(directory)

    def load(self, directory: Path) -> None:
        """Read the weights that `save` wrote; the tied output embedding is not stored."""
        missing, unexpected = self.llama.load_state_dict(
            load_file(directory / WEIGHTS_FILE), strict=False
        )
        if unexpected or set(missing) - {"lm_head.weight"}:
            raise ValueError(f"{directory}: weights do not fit: {missing} {unexpected}")
