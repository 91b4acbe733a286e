"""A causal language model that knows items by their texts, so that it can propose new ones.

A pretrained sentence encoder reads every item's title and attributes once. A trained layer projects
its vectors to the width of the causal model, which reads and says these projections instead of
embeddings of its own (as UniSRec does: Hou et al. 2022, arXiv 2206.05941). An item that nobody took
in training is then as good a candidate as its text makes it.
"""

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.corpus import Corpus
from models.errors import ModelError
from models.llm.adapters import plain
from models.llm.causal import CausalLm
from models.llm.causal_body import CausalBody
from models.numerics import NumericsPlan
from models.pretrained import Pretrained, resolve
from models.sentence_encoder import check_encoder, encoder_width
from models.text_vectors import text_vectors
from models.training.full_softmax import full_softmax_loss
from models.training.next_item import NextItem
from models.training.objective import Objective
from models.training.settings import RecipeSettings
from workloads.progress import Progress

ENCODER_KEY = "models.llm.encoder"
TEXT_FILE = "item_text.safetensors"
TEXTS_VERSION = 2
"""Raised whenever the same texts train other weights than before."""
SPREAD = 0.02
"""Standard deviation of new item vectors, as in a new Llama. The projection itself has outputs of
spread 1, so that steps of the size that suits the causal model change it as slowly."""


class TextLmSettings(CausalBody):
    """A causal language model over items that are known by their texts."""

    features: ClassVar[str] = "titles and attributes of items, in order"

    kind: Literal["text"] = "text"
    """Which LLM."""
    encoder: str = Field(min_length=1)
    """A directory with a sentence encoder of `transformers` and its tokenizer, or its name on the
    Hugging Face hub. It is not trained."""
    item_residual: bool = True
    """Add to each projected text a vector of the item's own, learned where the item is in the
    training data and zero where it is not."""
    residual_dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of the items that training sees without vectors of their own, drawn anew each time, so
    that texts learn to stand alone (DropoutNet: Volkovs et al. 2017)."""

    def content_hashes(self) -> dict[str, str]:
        """Return what the encoder holds, and the pretrained weights, if any are named."""
        return {**super().content_hashes(), "encoder": self._encoder().content_hash}

    def check(self, corpus: Corpus) -> None:
        """Refuse a log without titles, and an encoder that is not there."""
        super().check(corpus)
        check_encoder(self._encoder(), ENCODER_KEY)
        item_texts(corpus)

    def identity(self) -> dict[str, Any]:
        """Return the settings, with the contents of the pretrained files instead of their place."""
        return {
            **super().identity(),
            "encoder": self._encoder().content_hash,
            "texts_version": TEXTS_VERSION,
        }

    def build(self, corpus: Corpus) -> "TextLm":
        """Return a new model that has yet to read the items' texts (`TextLm.read_texts`).

        Raises:
            ModelError: the log has no titles, or a pretrained model cannot be had or does not fit.
        """
        self.check(corpus)
        return TextLm(self, corpus)

    def make_ready(
        self,
        model: Any,
        corpus: Corpus,
        plan: NumericsPlan,
        cache_dir: Path | None,
        progress: Progress,
    ) -> None:
        """Encode the items' texts, where no training has done so before.

        Raises:
            ModelError: the encoder or its tokenizer is unusable.
        """
        texts = item_texts(corpus)
        model.read_texts(
            text_vectors(self._encoder(), texts, plan, ENCODER_KEY, cache_dir, progress)
        )

    def objective(
        self, model: Any, corpus: Corpus, recipe: RecipeSettings, plan: NumericsPlan, seed: int
    ) -> Objective:
        """Return the prediction of the next item among those that occur in training."""
        return NextTrainedItem(model, corpus, recipe, plan, seed)

    def _encoder(self) -> Pretrained:
        return resolve(self.encoder, ENCODER_KEY)


def item_texts(corpus: Corpus) -> tuple[str, ...]:
    """Return what the encoder reads of each item: its title and its attributes.

    Raises:
        ModelError: the log has no titles.
    """
    catalogue = corpus.log.catalogue
    if catalogue.titles == catalogue.keys:
        raise ModelError(
            f"the log {corpus.log.name} has no titles of items, and titles are what a text model "
            "reads; accepted here: any other kind, as causal_lm",
            "models.llm.kind",
        )
    return tuple(
        f"{title}. {', '.join(attributes)}" if attributes else title
        for title, attributes in zip(catalogue.titles, catalogue.attributes, strict=True)
    )


def trained_items(corpus: Corpus) -> Tensor:
    """Return which items occur in the training data: bool [items]."""
    log, train_stop = corpus.log, corpus.split.train_stop
    within = np.arange(log.interactions) - np.repeat(log.offsets[:-1], log.lengths)
    occurs = np.zeros(corpus.items, np.bool_)
    occurs[log.items[within < np.repeat(train_stop, log.lengths)]] = True
    return torch.from_numpy(occurs)


class TextLm(CausalLm):
    """A causal model whose item vectors come from the items' texts.

    In training the vectors are computed from the texts; for evaluation and in a saved directory
    they fill the embeddings of the causal model, which plain `transformers` then loads.

    Attributes:
        text: float [items, e]: the encoder's vectors, centred on the trained items' mean and scaled
            to a mean square of 1; they come with `read_texts` or `load`.
        trained: bool [items]: occurs in the training data.
    """

    text: Tensor
    trained: Tensor

    def __init__(self, settings: TextLmSettings, corpus: Corpus) -> None:
        super().__init__(settings.language_model(corpus), corpus, settings.dropout)
        model = plain(self.language_model)
        for table in (model.get_input_embeddings(), model.get_output_embeddings()):
            table.weight.requires_grad_(False)
            nn.init.zeros_(table.weight)
        width = encoder_width(resolve(settings.encoder, ENCODER_KEY), ENCODER_KEY)
        vectors = super().item_vectors().shape[1]
        self.register_buffer("text", torch.zeros(corpus.items, width))
        self.register_buffer("trained", trained_items(corpus))
        self.projection = nn.Linear(width, vectors)
        nn.init.normal_(self.projection.weight, std=width**-0.5)
        nn.init.zeros_(self.projection.bias)
        residual = torch.zeros(corpus.items, vectors) if settings.item_residual else None
        self.residual = None if residual is None else nn.Parameter(residual)
        self.residual_dropout = settings.residual_dropout

    def read_texts(self, vectors: Tensor) -> None:
        """Take the vectors of the items' texts, as `text_vectors` returns them: [items, e]."""
        vectors = vectors.to(self.text.device)
        vectors = vectors - vectors[self.trained].mean(dim=0)
        self.text.copy_(vectors / vectors.square().mean().sqrt())

    def projected(self) -> Tensor:
        """Return the vectors of the items from their texts: [items, width]."""
        vectors: Tensor = SPREAD * self.projection(self.text)
        if self.residual is None:
            return vectors
        kept = self.trained
        if self.training:
            kept = kept & (torch.rand(kept.shape, device=kept.device) >= self.residual_dropout)
        return vectors + self.residual * kept[:, None]

    def encode(self, histories: Tensor) -> Tensor:
        """Return the last hidden state after every position: int64 [B, L] -> [B, L, width]."""
        if not self.training:
            return super().encode(histories)
        return self.read(nn.functional.pad(self.projected(), (0, 0, 0, 1))[histories])

    def item_vectors(self) -> Tensor:
        """Return the vectors of the items: [items, width]."""
        return self.projected() if self.training else super().item_vectors()

    def train(self, mode: bool = True) -> "TextLm":
        """Turn to training, or to evaluation with the embeddings filled."""
        super().train(mode)
        if not mode:
            self._fill_embeddings()
        return self

    def save(self, directory: Path) -> None:
        """Write the causal model with filled embeddings, and beside it what they come from."""
        self._fill_embeddings()
        super().save(directory)
        own = {name: value for name, value in self.state_dict().items() if _is_own(name)}
        save_file({name: value.contiguous() for name, value in own.items()}, directory / TEXT_FILE)

    def load(self, directory: Path) -> None:
        """Read what `save` wrote; no encoder is needed."""
        super().load(directory)
        own = load_file(directory / TEXT_FILE)
        missing = self.load_state_dict(own, strict=False).missing_keys
        if any(_is_own(name) for name in missing):
            raise ValueError(f"{directory / TEXT_FILE} does not fit: it lacks some of {missing}")

    def parameter_counts(self) -> tuple[int, int]:
        """Return the number of parameters, and of those outside embedding tables and residuals."""
        total, rest = super().parameter_counts()
        return total, rest - (0 if self.residual is None else self.residual.numel())

    def _fill_embeddings(self) -> None:
        model = plain(self.language_model)
        with torch.no_grad():
            vectors = self.projected()
            for table in (model.get_input_embeddings(), model.get_output_embeddings()):
                table.weight[: self.items].copy_(vectors)


def _is_own(name: str) -> bool:
    return not name.startswith("language_model.")


class NextTrainedItem(NextItem):
    """The next item after every position, against the items that occur in training.

    A softmax over the whole catalogue would teach the model that the texts of unknown items are
    never right. (Binary cross-entropy still draws its negatives from the whole catalogue.)
    """

    def __init__(
        self, model: TextLm, corpus: Corpus, recipe: RecipeSettings, plan: NumericsPlan, seed: int
    ) -> None:
        super().__init__(model, corpus, recipe, plan, seed)
        self._text_lm = model
        self._trained_before = model.trained.cumsum(0) - 1

    def catalogue_loss(self, states: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of the targets among the trained items."""
        vectors = self._text_lm.item_vectors()[self._text_lm.trained]
        return full_softmax_loss(states, vectors, self._trained_before[targets])
