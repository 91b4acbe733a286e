"""T5 with whole-word embeddings, as P5 has it (Geng et al. 2022, arXiv 2203.13366, section 3.3)."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from models.item_text import ItemText, Prompts
from models.pretrained import quiet
from models.recommender import WEIGHTS_FILE

WHOLE_WORD_FILE = "whole_word.safetensors"
TIED = {"lm_head.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}
"""Names under which T5's shared embedding appears once more; a file holds it once."""


class WholeWordT5(nn.Module):
    """A `T5ForConditionalGeneration` whose input embeddings say which word a token belongs to.

    Args:
        t5: of `transformers`.
        text: prompts and targets in the tokens that `t5` knows.
    """

    def __init__(self, t5: Any, text: ItemText) -> None:
        super().__init__()
        self.t5 = t5
        self.text = text
        self.whole_word = nn.Embedding(text.words, t5.config.d_model)

    def read(self, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Return the encoder's states of some prompts, and which of them are no padding.

        Returns:
            (float [R, L, width], bool [R, L]).
        """
        embedded, real = self._embed(prompts)
        states: Tensor = self.t5.encoder(inputs_embeds=embedded, attention_mask=real)[0]
        return states, real

    def prompt_cache(self, states: Tensor, beams: int) -> Any:
        """Return what the decoder attends to of some prompts: the cache for `generate`.

        Left to itself, `generate` computes the same keys and values for each beam of a prompt, and
        copies them whenever beams change places: half of the operations of a T5-small.

        Args:
            states: float, shape [R, L, width]: of `read`.
            beams: sequences of each prompt.
        """
        from transformers import DynamicCache, EncoderDecoderCache

        read = DynamicCache()
        for layer, block in enumerate(self.t5.decoder.block):
            attention = block.layer[1].EncDecAttention
            heads = (*states.shape[:2], attention.n_heads, attention.key_value_proj_dim)
            keys, values = (
                project(states).view(heads).transpose(1, 2).repeat_interleave(beams, dim=0)
                for project in (attention.k, attention.v)
            )
            read.update(keys, values, layer)
        read.reorder_cache = lambda _: None  # the beams of a prompt share what was read
        return EncoderDecoderCache(DynamicCache(), read)

    def loss(self, prompts: Prompts, target: NDArray[np.int64], real: NDArray[np.bool_]) -> Tensor:
        """Return the mean cross-entropy of the targets' tokens.

        Args:
            prompts: of R histories.
            target: int64, shape [R, length].
            real: bool, shape [R, length]: no padding.
        """
        embedded, read = self._embed(prompts)
        labels = torch.from_numpy(np.where(real, target, -100)).to(read.device)  # -100: no target
        loss: Tensor = self.t5(inputs_embeds=embedded, attention_mask=read, labels=labels).loss
        return loss

    def parameter_counts(self) -> tuple[int, int]:
        """Return the number of parameters, and of those outside embedding tables."""
        total = sum(parameter.numel() for parameter in self.parameters())
        tables = {m.weight for m in self.modules() if isinstance(m, nn.Embedding)}
        return total, total - sum(table.numel() for table in tables)

    def save(self, directory: Path) -> None:
        """Write T5 and its tokenizer so that plain `transformers` loads them, and what is beside.

        `whole_word.safetensors` holds the whole-word embeddings.
        """
        with quiet():
            self.t5.save_pretrained(directory)
        self.text.tokenizer.save_pretrained(directory)
        weight = self.whole_word.weight.detach().contiguous()
        save_file({"weight": weight}, directory / WHOLE_WORD_FILE)

    def load(self, directory: Path) -> None:
        """Read the weights that `save` wrote."""
        missing, unexpected = self.t5.load_state_dict(
            load_file(directory / WEIGHTS_FILE), strict=False
        )
        if unexpected or set(missing) - TIED:
            raise ValueError(f"{directory}: weights do not fit: {missing} {unexpected}")
        self.whole_word.load_state_dict(load_file(directory / WHOLE_WORD_FILE))

    def _embed(self, prompts: Prompts) -> tuple[Tensor, Tensor]:
        token, word, real = (
            torch.from_numpy(each).to(self.whole_word.weight.device)
            for each in (prompts.token, prompts.word, prompts.real)
        )
        return self.t5.get_input_embeddings()(token) + self.whole_word(word), real
