"""Vectors of texts, encoded once and kept in the cache."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.numerics import NumericsPlan
from models.pretrained import Pretrained
from models.sentence_encoder import encode_texts
from models.weights import library_versions
from workloads.content_cache import ContentCache
from workloads.progress import Progress

VECTORS_FILE = "vectors.safetensors"


def text_vectors(
    encoder: Pretrained,
    texts: tuple[str, ...],
    plan: NumericsPlan,
    key: str,
    cache_dir: Path | None,
    progress: Progress,
) -> Tensor:
    """Return what `encode_texts` gives, from the cache where it has been asked for before.

    Args:
        encoder: the sentence encoder.
        texts: n of them.
        plan: how to compute.
        key: the setting that names the encoder.
        cache_dir: holds `texts/`; None keeps nothing.
        progress: told of texts that are encoded.

    Returns:
        float32, shape [n, width], on the CPU. Torch's random state stays as it was.

    Raises:
        ModelError: the encoder or its tokenizer is unusable.
    """

    def encoded() -> Tensor:
        with torch.random.fork_rng():  # building an encoder draws weights before it loads them
            return encode_texts(encoder, texts, torch.device(plan.device), key, progress)

    if cache_dir is None:
        return encoded()

    def build(directory: Path) -> dict[str, Any]:
        save_file({"vectors": encoded()}, directory / VECTORS_FILE)
        return {}

    cache = ContentCache(cache_dir / "texts")
    identity = {
        "encoder": encoder.content_hash,
        "texts": hashlib.sha256(json.dumps(texts).encode()).hexdigest(),
        "plan": asdict(plan),
        "versions": library_versions(),
    }
    entry = cache.find(identity) or cache.add(identity, build)
    vectors: Tensor = load_file(entry.directory / VECTORS_FILE)["vectors"]
    return vectors
