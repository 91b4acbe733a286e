"""Pretrained sentence encoders: texts to unit vectors."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from models.errors import ModelError
from models.pretrained import (
    CONFIG_FILE,
    TOKENIZER_FILES,
    Pretrained,
    load_whole,
    refuse_impossible,
    refuse_tokens_beyond,
    refusing,
)
from workloads.progress import SILENT, Progress

TOP, DECODER = "pooler.", "decoder."
"""Parts of a model that a checkpoint of its encoder may lack: a layer on top, and, of a model that
also writes, what does so."""

BATCH = 64
"""Texts encoded at a time."""


def encode_texts(
    pretrained: Pretrained,
    texts: tuple[str, ...],
    device: torch.device,
    key: str,
    progress: Progress = SILENT,
) -> Tensor:
    """Return the means of the texts' last hidden states, scaled to length 1.

    That is how sentence encoders are trained (Reimers and Gurevych 2019, "Sentence-BERT", mean
    pooling). A text longer than the encoder reads is cut.

    Args:
        pretrained: the encoder.
        texts: n of them.
        device: where to compute.
        key: the setting that names the encoder.
        progress: told of the texts.

    Returns:
        float32, shape [n, width], on the CPU.

    Raises:
        ModelError: the directory holds no tokenizer, or one that does not belong to the encoder.
    """
    tokenizer, encoder = _tokenizer(pretrained, key), _encoder(pretrained, key)
    known = encoder.get_input_embeddings().num_embeddings
    refuse_tokens_beyond(tokenizer, known, pretrained.directory, key)
    encoder.to(device).eval()
    longest = min(tokenizer.model_max_length, _positions(encoder.config))
    by_length = sorted(range(len(texts)), key=lambda text: (len(texts[text]), text))
    vectors = torch.zeros(len(texts), encoder.config.get_text_config().hidden_size)
    with torch.inference_mode(), progress.phase("Encode the items' texts", len(texts)) as advance:
        for first in range(0, len(texts), BATCH):
            batch = by_length[first : first + BATCH]
            tokens = tokenizer(
                [texts[text] for text in batch],
                padding=True,
                truncation=True,
                max_length=longest,
                return_tensors="pt",
            ).to(device)
            states = encoder(**tokens).last_hidden_state
            real = tokens["attention_mask"][:, :, None]
            mean = (states * real).sum(dim=1) / real.sum(dim=1)
            vectors[batch] = functional.normalize(mean, dim=1).cpu()
            advance(len(batch))
    return vectors


def encoder_width(pretrained: Pretrained, key: str) -> int:
    """Return the width of the vectors that `encode_texts` gives.

    Raises:
        ModelError: `transformers` knows no such model.
    """
    return int(_config(pretrained, key).get_text_config().hidden_size)


def check_encoder(pretrained: Pretrained, key: str) -> None:
    """Refuse an encoder without a tokenizer, or none at all, before anything is computed.

    Raises:
        ModelError: the directory holds no such thing.
    """
    from transformers import AutoModel

    refuse_impossible(AutoModel, _config(pretrained, key), "encoder", key)
    if not pretrained.holds_tokenizer:
        raise ModelError(
            f"{pretrained.directory} holds no tokenizer; accepted: an encoder with one of "
            f"{', '.join(TOKENIZER_FILES)}",
            key,
        )


def _config(pretrained: Pretrained, key: str) -> Any:
    from transformers import AutoConfig

    with refusing(
        f"{pretrained.directory} is no encoder by its {CONFIG_FILE}",
        "what AutoModel of transformers reads",
        key,
    ):
        config = AutoConfig.from_pretrained(pretrained.directory, local_files_only=True)
        int(config.get_text_config().hidden_size)
    return config


def _tokenizer(pretrained: Pretrained, key: str) -> Any:
    from transformers import AutoTokenizer

    check_encoder(pretrained, key)
    with refusing(
        f"{pretrained.directory} holds no tokenizer that transformers reads",
        "what AutoTokenizer reads",
        key,
    ):
        tokenizer = AutoTokenizer.from_pretrained(pretrained.directory, local_files_only=True)
    if tokenizer.pad_token_id is None:
        raise ModelError(
            f"the tokenizer of {pretrained.directory} has no padding token; accepted: a sentence "
            "encoder, whose tokenizer has one",
            key,
        )
    return tokenizer


def _encoder(pretrained: Pretrained, key: str) -> Any:
    from transformers import AutoModel

    # The config of a lone encoder may say that it is no encoder-decoder, and is read as one.
    shape = refuse_impossible(AutoModel, _config(pretrained, key), "encoder", key)
    both = hasattr(shape, "encoder") and hasattr(shape, "decoder")
    not_read = (TOP, DECODER) if both else (TOP,)
    model = load_whole(
        AutoModel,
        pretrained.directory,
        "an encoder",
        key,
        lambda name: name.startswith(not_read),
    )
    return model.get_encoder() if both else model


def _positions(config: Any) -> int:
    return getattr(config.get_text_config(), "max_position_embeddings", None) or 512
