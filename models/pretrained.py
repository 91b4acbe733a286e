"""Pretrained models: a directory of the user's, or a name on the Hugging Face hub."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import torch

from models.errors import ModelError
from workloads.content_hash import file_hash

CONFIG_FILE = "config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
"""What a tokenizer is read from: one of these."""
FILES = (
    CONFIG_FILE,
    "model*.safetensors",
    WEIGHTS_INDEX,
    *TOKENIZER_FILES,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
)
"""What decides how a model computes. Weights only as safetensors: the older formats are pickles,
which can run any code when they are read."""


@dataclass(frozen=True)
class Pretrained:
    """A pretrained model whose files are all on this machine.

    Attributes:
        directory: where they are; complete.
    """

    directory: Path

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) over names and contents of the files that decide how it computes.

        The same files elsewhere have the same hash.
        """
        digest = hashlib.sha256()
        for path in sorted({path for each in FILES for path in self.directory.glob(each)}):
            state = path.stat()
            content = _content_hash(path, state.st_size, state.st_mtime_ns)
            digest.update(f"{path.name} {content}\n".encode())
        return digest.hexdigest()

    @property
    def holds_tokenizer(self) -> bool:
        """Whether a tokenizer is there."""
        return any(any(self.directory.glob(each)) for each in TOKENIZER_FILES)

    @property
    def config(self) -> dict[str, Any]:
        """What `config.json` says."""
        config: dict[str, Any] = json.loads((self.directory / CONFIG_FILE).read_text("utf-8"))
        return config


@cache
def _content_hash(path: Path, size_bytes: int, written_ns: int) -> str:
    """Return the SHA-256 (hex) of a file, read once as long as it is as it was."""
    del size_bytes, written_ns  # they tell one state of the file from another
    return file_hash(path)


def resolve(name: str, key: str) -> Pretrained:
    """Return the pretrained model of that name, fetched from the hub where it is not here yet.

    A directory comes first, then the local Hugging Face cache, and only then the network, which
    `HF_HUB_OFFLINE=1` forbids.

    Args:
        name: a directory, or a name on the hub as `organisation/model`.
        key: the setting that gives the name, as `models.llm.weights`.

    Raises:
        ModelError: there is no such directory, it holds no readable `config.json` and safetensors,
            or the hub's model is neither in the local cache nor to be had.
    """
    from huggingface_hub.errors import HFValidationError

    try:
        path = Path(name).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError) as failed:  # too long a name, or a user who is not there
        raise ModelError(
            f"{name[:80]} cannot be looked for ({first_line(failed)}); accepted: a directory "
            f"that holds {CONFIG_FILE} and safetensors, or a name on the Hugging Face hub",
            key,
        ) from failed
    if exists:
        _refuse_incomplete(path, key)
        directory = path.resolve()
    else:
        try:
            directory = _cached(name) or _fetched(name, key)
        except HFValidationError:
            raise ModelError(
                f"there is no directory {name}; accepted: a directory that holds {CONFIG_FILE} and "
                "safetensors, or a name on the Hugging Face hub",
                key,
            ) from None
    return Pretrained(directory)


def _cached(name: str) -> Path | None:
    """Return the hub model's directory in the local cache, or None where it is not complete."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        directory = Path(snapshot_download(name, allow_patterns=list(FILES), local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return directory if not _missing(directory) else None


def _fetched(name: str, key: str) -> Path:
    """Download the hub model into the local cache."""
    from huggingface_hub import is_offline_mode, snapshot_download

    try:
        directory = Path(snapshot_download(name, allow_patterns=list(FILES)))
    except OSError as failed:  # no network, no such model, or no right to it
        if is_offline_mode():
            reason = "HF_HUB_OFFLINE forbids the network"
        else:
            reason = f"the hub did not give it ({type(failed.__cause__ or failed).__name__})"
        raise ModelError(
            f"{name} is no directory here, nor is it complete in the local Hugging Face cache, and "
            f"{reason}; accepted: a directory, or fetch it first where there is a network: "
            f"hf download {name}",
            key,
        ) from failed
    _refuse_incomplete(directory, key)
    return directory


def _missing(directory: Path) -> list[str]:
    """Return the files without which the model cannot be loaded."""
    needed = [CONFIG_FILE]
    try:
        if (directory / CONFIG_FILE).is_file():
            json.loads((directory / CONFIG_FILE).read_text("utf-8")).keys()
    except (ValueError, AttributeError):
        return [f"a readable {CONFIG_FILE}"]
    try:
        index = json.loads((directory / WEIGHTS_INDEX).read_text("utf-8"))
        needed += sorted({str(Path(file)) for file in index["weight_map"].values()})
    except FileNotFoundError:
        needed.append(WEIGHTS)
    except (ValueError, TypeError, KeyError, AttributeError):
        return [f"a readable {WEIGHTS_INDEX}"]
    return [file for file in needed if not (directory / file).is_file()]


def _refuse_incomplete(directory: Path, key: str) -> None:
    """Refuse what is no directory of a model.

    Raises:
        ModelError: it is a file, or a file is missing in it.
    """
    if not directory.is_dir():
        raise ModelError(f"{directory} is a file; accepted: the directory of a model", key)
    missing = _missing(directory)
    if missing:
        raise ModelError(
            f"{directory} lacks {' and '.join(missing)}; accepted: a directory that holds "
            f"{CONFIG_FILE} and the weights as safetensors, as save_pretrained writes them",
            key,
        )


def load_whole(
    reader: Any, directory: Path, kind: str, key: str, spare: Callable[[str], bool]
) -> Any:
    """Return the model of a directory, in float32.

    Args:
        reader: the class of `transformers` that reads it.
        directory: its files.
        kind: what it is to be, as "a T5".
        key: of the setting that names it.
        spare: tells of the name of a weight whether it may be missing.

    Raises:
        ModelError: it is no such model, or lacks some of its weights.
    """
    with refusing(
        f"{directory} cannot be loaded as {kind}",
        f"what {reader.__name__} of transformers reads",
        key,
    ):
        model, told = reader.from_pretrained(
            directory, dtype=torch.float32, output_loading_info=True, local_files_only=True
        )
    missing = sorted(name for name in told["missing_keys"] if not spare(name))
    if missing:
        raise ModelError(
            f"{directory} lacks {len(missing)} weights of a {type(model).__name__}, as "
            f"{missing[0]}; accepted: {kind} that is complete",
            key,
        )
    return model


def refuse_impossible(reader: Any, config: Any, kind: str, key: str) -> Any:
    """Return a model of a configuration, without memory for its weights.

    Args:
        reader: the class of `transformers` that builds it.
        config: its configuration.
        kind: what it is to be, as "a T5".
        key: of the setting that names it.

    Raises:
        ModelError: no such model can be built.
    """
    build = getattr(reader, "from_config", reader)
    what = f"a {config.model_type} of this {CONFIG_FILE} is no {kind}"
    with (
        refusing(what, f"what {reader.__name__} of transformers reads", key),
        torch.device("meta"),
    ):
        return build(config)


@contextmanager
def refusing(what: str, accepted: str, key: str) -> Iterator[None]:
    """Call `transformers`, quietly, and refuse what it stumbles over.

    It trusts the files that it reads: what is wrong in them may raise anything, anywhere.

    Args:
        what: what does not work, as "MODEL has no tokenizer".
        accepted: what would.
        key: of the setting that names the files.

    Raises:
        ModelError: it raised anything.
    """
    try:
        with quiet():
            yield
    except Exception as failed:
        raise ModelError(f"{what} ({first_line(failed)}); accepted: {accepted}", key) from failed


def refuse_tokens_beyond(tokenizer: Any, embeddings: int, directory: Path, key: str) -> None:
    """Refuse a tokenizer that does not belong to its model.

    Args:
        tokenizer: of `transformers`.
        embeddings: rows of the model's table of tokens.
        directory: of both.
        key: of the setting that names it.

    Raises:
        ModelError: it gives tokens numbers that the model has no embeddings of.
    """
    tokens = 1 + max(tokenizer.get_vocab().values(), default=-1)
    if tokens > embeddings:
        raise ModelError(
            f"the tokenizer of {directory} numbers {tokens} tokens and its model has embeddings "
            f"of {embeddings}; accepted: the tokenizer that the model was trained with",
            key,
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep `transformers` from writing and drawing bars of its own across those of the testbed."""
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def first_line(error: Exception) -> str:
    """Return the first line of what a foreign error says; after a colon the next one too."""
    lines = str(error).strip().splitlines() or [""]
    said = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    return said if said and not isinstance(error, KeyError) else f"{type(error).__name__} {said}"
