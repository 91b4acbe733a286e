"""P5: T5 reads a history as text and writes the next item's id.

Geng et al. 2022, arXiv 2203.13366. The prompt holds the user and the newest items, `user_23 has
taken item_1000 item_1007 and takes next`; the target is the next item, `item_1042`. Lists are beams
(`models/beam_search.py`), items are numbered sequentially (`models/item_text.py`), and the input
embedding of every token carries the index of its word (`models/whole_word_t5.py`).
"""

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from models.architecture import RequestCost
from models.beam_search import BeamSearch
from models.corpus import Corpus
from models.errors import ModelError
from models.item_text import (
    END,
    PAD,
    ItemText,
    first_numbers,
    fresh_tokenizer,
    item_numbers,
)
from models.llm import LlmSettings
from models.llm.causal_body import WEIGHTS_KEY
from models.numerics import NumericsPlan
from models.pretrained import (
    CONFIG_FILE,
    TOKENIZER_FILES,
    Pretrained,
    load_whole,
    refuse_impossible,
    refuse_tokens_beyond,
    refusing,
    resolve,
)
from models.training.objective import Objective
from models.training.settings import RecipeSettings
from models.training.text_to_text import TextToText
from models.whole_word_t5 import TIED, WholeWordT5


class P5Settings(LlmSettings):
    """A T5 trained the P5 way: a small new one, or pretrained weights."""

    features: ClassVar[str] = "user id, item ids as text"
    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("weights", "hidden"),
        ("weights", "layers"),
        ("weights", "heads"),
        ("weights", "feed_forward"),
        ("weights", "dropout"),
    )

    kind: Literal["p5"] = "p5"
    """Which LLM."""
    weights: str | None = Field(default=None, min_length=1)
    """A directory with a T5 and its tokenizer (safetensors), or its name on the Hugging Face hub,
    as `google-t5/t5-small`. null: a new T5 of the sizes below, with a tokenizer of digit pairs."""
    hidden: int = Field(default=64, ge=1)
    """Width of embeddings and states; each head has `hidden` / `heads` of it."""
    layers: int = Field(default=2, ge=1)
    """Layers of the encoder, and as many of the decoder."""
    heads: int = Field(default=4, ge=1)
    """Attention heads; must divide `hidden`."""
    feed_forward: int = Field(default=256, ge=1)
    """Width of the feed-forward layers."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of activations dropped in training."""
    prompt_items: int = Field(default=20, ge=1)
    """Newest interactions of a history that the prompt holds, at most (20 in LSC4Rec)."""
    beams: int = Field(default=20, ge=2)
    """Beams of a generation; where a list has more items, as many as it has items. The rank of an
    item is that among so many beams, so as many as `models.candidates.count` search once for both.
    """
    constrained: bool = True
    """Write nothing but items, and no seen ones where they are left out of lists. false: write
    anything; what is no item is dropped and counted, and the most popular unseen items fill up."""
    examples_per_epoch: int = Field(default=20_000, ge=1)
    """Training positions of an epoch, at most; the next epoch goes on with others."""
    validation_lists: int = Field(default=500, ge=1)
    """Lists generated after each epoch to stop early by, at most."""

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> "P5Settings":
        if self.hidden % self.heads:
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of heads ({self.heads})")
        return self

    def check(self, corpus: Corpus) -> None:
        """Refuse weights that are no T5, or lack a tokenizer that can tell all items apart."""
        if self.weights is None:
            return
        from transformers import T5ForConditionalGeneration

        refuse_impossible(T5ForConditionalGeneration, self._config(), "T5", WEIGHTS_KEY)
        codes = self._text(corpus).codes()
        if len(np.unique(codes, axis=0)) < corpus.items:
            raise ModelError(
                f"the tokenizer of {self.weights} writes different items of {corpus.log.name} "
                "alike; accepted: a T5 tokenizer that knows every digit and the words user_ and "
                "item_",
                WEIGHTS_KEY,
            )

    def content_hashes(self) -> dict[str, str]:
        """Return what the pretrained weights hold, if any are named."""
        return {} if self.weights is None else {"weights": self._pretrained().content_hash}

    def identity(self) -> dict[str, Any]:
        """Return the settings, with the contents of the pretrained files instead of their place.

        Training stops by lists of so many beams, always constrained; so `beams` decides the weights
        and `constrained` does not.
        """
        identity = super().identity() | {"constrained": True}
        if self.weights is not None:
            identity["weights"] = self._pretrained().content_hash
        return identity

    def list_identity(self) -> dict[str, Any]:
        """Return what the weights depend on, and whether lists are constrained."""
        return self.identity() | {"constrained": self.constrained}

    def build(self, corpus: Corpus) -> WholeWordT5:
        """Return a new model, or the pretrained one with new whole-word embeddings.

        Raises:
            ModelError: the pretrained weights cannot be had, or are no T5 with its tokenizer.
        """
        from transformers import T5ForConditionalGeneration  # here: its import takes seconds

        text = self._text(corpus)
        if self.weights is None:
            return WholeWordT5(T5ForConditionalGeneration(self._config()), text)
        t5 = load_whole(
            T5ForConditionalGeneration,
            self._pretrained().directory,
            "a T5",
            WEIGHTS_KEY,
            TIED.__contains__,
        )
        return WholeWordT5(t5, text)

    def objective(
        self, model: Any, corpus: Corpus, recipe: RecipeSettings, plan: NumericsPlan, seed: int
    ) -> Objective:
        """Return the training that writes the next item."""
        validation = BeamSearch(
            model, corpus, plan, exclude_seen=True, beams=self.beams, constrained=True
        )
        return TextToText(
            model, corpus, recipe, seed, self.examples_per_epoch, validation, self.validation_lists
        )

    def candidate_source(
        self, model: Any, corpus: Corpus, plan: NumericsPlan, exclude_seen: bool
    ) -> BeamSearch:
        """Return the beam search over item ids."""
        return BeamSearch(model, corpus, plan, exclude_seen, self.beams, self.constrained)

    def flops_per_step(self, context: int, scored_items: int) -> float:
        """Return the operations of reading the whole prompt anew and writing `beams` items.

        An encoder keeps nothing of what it read, and a list is written and not scored: so
        `scored_items` only tells how many digits the numbers of items, and of as many users, have.
        """
        text = ItemText(
            self._tokenizer(), first_numbers(scored_items), scored_items, self.prompt_items
        )
        return self._request_flops(text, context + 1, self.beams)

    def request_cost(self, corpus: Corpus, candidates: int) -> RequestCost:
        """Return the cost of a list after a full history.

        Prompt tokens: mean over users and items. Decode tokens: those that follow each other, the
        mean tokens of an item and the end token; all beams are written in the same passes, so they
        multiply the operations and not these.
        """
        text = self._text(corpus)
        return RequestCost(
            prompt_tokens=text.prompt_tokens(corpus.history),
            decode_tokens=text.item_tokens + 1,
            flops=self._request_flops(text, corpus.history, max(candidates, self.beams)),
        )

    def _request_flops(self, text: ItemText, items: int, beams: int) -> float:
        return t5_flops(self._config(), text.prompt_tokens(items), text.item_tokens + 1, beams)

    def _text(self, corpus: Corpus) -> ItemText:
        return ItemText(
            self._tokenizer(), item_numbers(corpus), corpus.log.users, self.prompt_items
        )

    def _config(self) -> Any:
        """Return the `T5Config`.

        Raises:
            ModelError: the weights are no T5.
        """
        from transformers import T5Config

        if self.weights is not None:
            return _t5_config(self._pretrained())
        tokens = fresh_tokenizer()
        return T5Config(
            vocab_size=len(tokens),
            d_model=self.hidden,
            d_kv=self.hidden // self.heads,
            d_ff=self.feed_forward,
            num_layers=self.layers,
            num_heads=self.heads,
            dropout_rate=self.dropout,
            pad_token_id=tokens.convert_tokens_to_ids(PAD),
            eos_token_id=tokens.convert_tokens_to_ids(END),
            decoder_start_token_id=tokens.convert_tokens_to_ids(PAD),
        )

    def _tokenizer(self) -> Any:
        """Return the tokenizer of the weights, or a fresh one.

        Raises:
            ModelError: the weights have none, or one with more tokens than they have embeddings.
        """
        if self.weights is None:
            return fresh_tokenizer()
        pretrained = self._pretrained()
        return _t5_tokenizer(pretrained, _t5_config(pretrained))

    def _pretrained(self) -> Pretrained:
        assert self.weights is not None
        return resolve(self.weights, WEIGHTS_KEY)


def t5_flops(config: Any, prompt_tokens: float, written_tokens: float, beams: int) -> float:
    """Return the operations of reading a prompt and writing some texts after it.

    2 operations a weight and token. A layer has 4 d a attention weights (d width, a heads x their
    width) and m d f feed-forward weights (f inner width, m = 2, or 3 where gated); attention over n
    keys costs 4 a n operations. The encoder and the keys and values of the decoder's attention to
    it are computed once for all beams, the decoder and the logits once a beam and token.

    Args:
        config: the `T5Config`.
        prompt_tokens: tokens read.
        written_tokens: tokens of a text, its end included.
        beams: texts.
    """
    d, a, n = config.d_model, config.num_heads * config.d_kv, prompt_tokens
    feed_forward = (3 if config.is_gated_act else 2) * d * config.d_ff
    encoder_token = 2 * (4 * d * a + feed_forward) + 4 * a * n
    keys_and_values = 4 * d * a
    decoder_token = 2 * (6 * d * a + feed_forward) + 4 * a * n + 2 * a * (written_tokens + 1)
    read = n * (config.num_layers * encoder_token + config.num_decoder_layers * keys_and_values)
    logits = 2 * d * config.vocab_size
    written = beams * written_tokens * (config.num_decoder_layers * decoder_token + logits)
    return float(read + written)


def _t5_config(pretrained: Pretrained) -> Any:
    from transformers import T5Config

    kind = pretrained.config.get("model_type")
    if kind != "t5":
        raise ModelError(
            f"{pretrained.directory} is a {kind} by its config.json; accepted: a T5 (type t5)",
            WEIGHTS_KEY,
        )
    with refusing(
        f"{pretrained.directory}: transformers cannot read its {CONFIG_FILE}",
        "what T5Config reads",
        WEIGHTS_KEY,
    ):
        return T5Config.from_pretrained(pretrained.directory, local_files_only=True)


def _t5_tokenizer(pretrained: Pretrained, config: Any) -> Any:
    from transformers import AutoTokenizer

    directory = pretrained.directory
    with refusing(
        f"{directory} has no tokenizer that transformers can read",
        "a directory that holds the T5's own tokenizer too",
        WEIGHTS_KEY,
    ):
        if not pretrained.holds_tokenizer:
            raise OSError(f"there is none of {', '.join(TOKENIZER_FILES)}")
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    if tokenizer.pad_token_id is None or tokenizer.eos_token_id is None:
        raise ModelError(
            f"the tokenizer of {directory} has no padding or no end token; accepted: the T5's own "
            "tokenizer, with both",
            WEIGHTS_KEY,
        )
    refuse_tokens_beyond(tokenizer, config.vocab_size, directory, WEIGHTS_KEY)
    return tokenizer
