"""The causal language models of `transformers`: built anew, or pretrained and given items to say.

Every item is one token, and one more token pads: id `items`.
"""

import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from models.architecture import RequestCost
from models.corpus import Corpus
from models.errors import ModelError
from models.llm import LlmSettings
from models.llm.adapters import LoraSettings, adapted, plain, refuse_missing_peft
from models.pretrained import (
    CONFIG_FILE,
    Pretrained,
    load_whole,
    quiet,
    refuse_impossible,
    refusing,
    resolve,
)
from workloads.settings import invalid

if TYPE_CHECKING:
    from transformers import LlamaConfig

WEIGHTS_KEY = "models.llm.weights"


@dataclass(frozen=True)
class BodyShape:
    """What decides the operations of a causal model without its embeddings.

    Attributes:
        matrix_weights: weights of all its matrices; of a mixture of experts, those of all experts.
        attention_width: attention heads x their width, summed over the layers.
        width: of an item's vector.
    """

    matrix_weights: int
    attention_width: int
    width: int


class CausalBody(LlmSettings):
    """A causal language model over item tokens: a small new Llama, or pretrained weights.

    Llama: Touvron et al. 2023, arXiv 2302.13971.
    """

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("weights", "hidden"),
        ("weights", "layers"),
        ("weights", "heads"),
        ("weights", "intermediate"),
    )

    weights: str | None = Field(default=None, min_length=1)
    """A directory with any causal language model of `transformers` (safetensors), or its name on
    the Hugging Face hub; its text vocabulary is replaced by the items, unless it is a model over
    these items already. null: a new Llama of the sizes below."""
    lora: LoraSettings | None = None
    """Train low-rank adapters and the item embeddings only, and leave the pretrained body as it is;
    null: train everything. Needs the extra `lora`."""
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
    def _heads_divide_hidden(self) -> "CausalBody":
        if self.hidden % (2 * self.heads):
            raise ValueError(
                f"hidden ({self.hidden}) must be a multiple of 2 x heads ({2 * self.heads})"
            )
        return self

    @model_validator(mode="after")
    def _only_a_pretrained_body_is_adapted(self) -> "CausalBody":
        if self.lora is not None and self.weights is None:
            raise invalid("adapts pretrained weights, and none are given; accepted: null", "lora")
        return self

    def check(self, corpus: Corpus) -> None:
        """Refuse weights that are not there, are of another kind or do not fit the corpus."""
        if self.weights is not None:
            config = _config(self._pretrained())
            _shape_of(config)
            _refuse_misfit(config, self.weights, corpus)
        if self.lora is not None:
            refuse_missing_peft()

    def content_hashes(self) -> dict[str, str]:
        """Return what the pretrained weights hold, if any are named."""
        return {} if self.weights is None else {"weights": self._pretrained().content_hash}

    def identity(self) -> dict[str, Any]:
        """Return the settings, with the contents of the pretrained files instead of their place."""
        identity = super().identity()
        if self.weights is not None:
            identity["weights"] = self._pretrained().content_hash
        if self.lora is not None:
            refuse_missing_peft()
            identity["peft"] = importlib.metadata.version("peft")
        return identity

    def language_model(self, corpus: Corpus) -> Any:
        """Return the `transformers` model whose tokens are the corpus's items and one that pads.

        Raises:
            ModelError: the pretrained model is none that fits.
        """
        if self.weights is None:
            from transformers import LlamaForCausalLM  # here, because its import takes seconds

            return LlamaForCausalLM(_llama_config(self, corpus))
        pretrained = self._pretrained()
        config = _config(pretrained)
        _refuse_misfit(config, self.weights, corpus)
        model = load_language_model(pretrained.directory)
        _refuse_reading_ahead(model, self.weights)
        if not _speaks_items(config):
            _replace_vocabulary(model, corpus)
        return model if self.lora is None else adapted(model, self.lora)

    def shape(self) -> BodyShape:
        """Return the shape of the body."""
        if self.weights is not None:
            return _shape_of(_config(self._pretrained()))
        h, m = self.hidden, self.intermediate
        return BodyShape(self.layers * (4 * h * h + 3 * h * m), self.layers * h, h)

    def flops_per_step(self, context: int, scored_items: int) -> float:
        """Return 2 operations a weight, attention over the kept keys and values, and the scores.

        Attention of width a reads `context` + 1 keys and values: 4 a (context + 1) operations.
        """
        shape = self.shape()
        attention = 4 * shape.attention_width * (context + 1)
        return float(2 * shape.matrix_weights + attention + 2 * shape.width * scored_items)

    def request_cost(self, corpus: Corpus, candidates: int) -> RequestCost:
        """Return the sum of `flops_per_step` over a full history, the catalogue scored at its end.

        One token an interaction, and one pass, whatever the length of the list.
        """
        del candidates
        shape, tokens = self.shape(), corpus.history
        attention = 4 * shape.attention_width * tokens * (tokens + 1) / 2
        flops = 2 * shape.matrix_weights * tokens + attention + 2 * shape.width * corpus.items
        return RequestCost(float(tokens), 0.0, float(flops))

    def _pretrained(self) -> Pretrained:
        assert self.weights is not None
        return resolve(self.weights, WEIGHTS_KEY)


def catalogue_hash(corpus: Corpus) -> str:
    """Return the SHA-256 (hex) of the items' keys in order: what the item tokens mean."""
    return hashlib.sha256(repr(corpus.log.catalogue.keys).encode()).hexdigest()


def load_language_model(directory: Path) -> Any:
    """Return the causal language model of a directory, in float32.

    Raises:
        ModelError: it is none, or lacks some of its weights.
    """
    from transformers import AutoModelForCausalLM

    model = load_whole(
        AutoModelForCausalLM, directory, "a causal language model", WEIGHTS_KEY, lambda _: False
    )
    model.config.use_cache = False
    return model


def _config(pretrained: Pretrained) -> Any:
    from transformers import AutoConfig

    with refusing(
        f"{pretrained.directory}: transformers cannot read its {CONFIG_FILE}",
        "what AutoModelForCausalLM reads",
        WEIGHTS_KEY,
    ):
        return AutoConfig.from_pretrained(pretrained.directory, local_files_only=True)


def _llama_config(settings: CausalBody, corpus: Corpus) -> "LlamaConfig":
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=corpus.items + 1,
        pad_token_id=corpus.items,
        bos_token_id=None,
        eos_token_id=None,
        hidden_size=settings.hidden,
        intermediate_size=settings.intermediate,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        max_position_embeddings=corpus.positions,
        tie_word_embeddings=True,
        use_cache=False,
        attn_implementation="sdpa",
        item_catalogue_size=corpus.items,
        item_catalogue_hash=catalogue_hash(corpus),
    )


def _speaks_items(config: Any) -> bool:
    return getattr(config, "item_catalogue_size", None) is not None


def _refuse_misfit(config: Any, name: str, corpus: Corpus) -> None:
    """Refuse a model that reads too short histories, or says other items than the catalogue's.

    Raises:
        ModelError: naming both sizes.
    """
    positions = getattr(config.get_text_config(), "max_position_embeddings", None)
    if positions is not None and positions < corpus.positions:
        raise ModelError(
            f"{name} reads at most {positions} positions, and a history and the window that grows "
            f"from it take {corpus.positions}; accepted: a model of at least so many, or less of "
            "workload.history or workload.replay_steps",
            WEIGHTS_KEY,
        )
    if not _speaks_items(config):
        return
    catalogue = f"the catalogue of {corpus.log.name}"
    remedy = "accepted: weights trained on this catalogue, or a model of text, which gets new items"
    if config.item_catalogue_size != corpus.items:
        raise ModelError(
            f"{name} is a model over {config.item_catalogue_size} items, and {catalogue} has "
            f"{corpus.items}; {remedy}",
            WEIGHTS_KEY,
        )
    if getattr(config, "item_catalogue_hash", None) != catalogue_hash(corpus):
        raise ModelError(
            f"{name} is a model over {corpus.items} items, as many as {catalogue} has, but other "
            f"ones; {remedy}",
            WEIGHTS_KEY,
        )


def _refuse_reading_ahead(model: Any, name: str) -> None:
    """Refuse a model whose states depend on later tokens.

    Raises:
        ModelError: it does, as masked language models do.
    """
    model.eval()
    width = model.get_input_embeddings().embedding_dim
    before = torch.cos(torch.arange(4 * width, dtype=torch.float32)).view(1, 4, width)
    after = before.clone()
    after[:, 2:] *= -1
    with torch.inference_mode():
        first, second = (model.base_model(inputs_embeds=each)[0][:, :2] for each in (before, after))
    if not torch.allclose(first, second, rtol=1e-3, atol=1e-3):
        raise ModelError(
            f"{name} is a {type(model).__name__} that reads ahead, so it cannot say what comes "
            "next; accepted: a causal language model, as Llama or GPT-2",
            WEIGHTS_KEY,
        )


def _replace_vocabulary(model: Any, corpus: Corpus) -> None:
    """Replace a model's tokens by the items and one that pads, embeddings drawn anew.

    New rows are normal with the spread of the old ones: that is what the body is used to read.
    """
    tables = (model.get_input_embeddings(), model.get_output_embeddings())
    spreads = [float(table.weight.detach().std()) for table in tables]
    with quiet():
        model.resize_token_embeddings(corpus.items + 1, mean_resizing=False)
    tables = (model.get_input_embeddings(), model.get_output_embeddings())
    for table, spread in zip(tables, spreads, strict=True):
        nn.init.normal_(table.weight, std=spread)
    bias = getattr(tables[1], "bias", None)
    if bias is not None:  # items are told apart by their vectors alone
        nn.init.zeros_(bias).requires_grad_(False)
    config = model.config
    config.pad_token_id, config.bos_token_id, config.eos_token_id = corpus.items, None, None
    config.item_catalogue_size = corpus.items
    config.item_catalogue_hash = catalogue_hash(corpus)
    model.generation_config = type(model.generation_config).from_model_config(config)


def _shape_of(config: Any) -> BodyShape:
    """Return the shape of a model of this configuration, built without memory for its weights."""
    from transformers import AutoModelForCausalLM

    model = refuse_impossible(AutoModelForCausalLM, config, "causal language model", WEIGHTS_KEY)
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    tables.add(id(model.get_output_embeddings().weight))
    matrices = (each for each in model.parameters() if each.dim() > 1 and id(each) not in tables)
    text = config.get_text_config()
    heads = getattr(text, "num_attention_heads", 0)  # a state-space model has none
    head_width = getattr(text, "head_dim", None) or text.hidden_size // max(1, heads)
    return BodyShape(
        matrix_weights=sum(each.numel() for each in matrices),
        attention_width=text.num_hidden_layers * heads * head_width,
        width=model.get_input_embeddings().embedding_dim,
    )


def item_table(model: Any) -> Tensor:
    """Return the embeddings that states are compared with: float [items + 1, width]."""
    weight: Tensor = plain(model).get_output_embeddings().weight
    return weight
