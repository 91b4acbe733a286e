import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models.errors import ModelError
from models.pretrained import resolve

KEY = "models.llm.weights"


def model_directory(place: Path, config: str = "{}") -> Path:
    place.mkdir(parents=True)
    (place / "config.json").write_text(config)
    (place / "model.safetensors").write_bytes(b"weights")
    return place


def refused(name: str) -> str:
    with pytest.raises(ModelError) as error:
        resolve(name, KEY)
    assert error.value.key == KEY
    assert "\n" not in error.value.message
    assert "accepted:" in error.value.message
    return error.value.message


def hub_cache(cache: Path) -> Path:
    """Lay out a hub model as huggingface_hub keeps it, and return where its files are."""
    repository = cache / "models--someone--tiny"
    revision = "0123456789abcdef0123456789abcdef01234567"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    return model_directory(repository / "snapshots" / revision)


def test_the_hash_is_of_the_contents_wherever_they_are(tmp_path: Path) -> None:
    first = resolve(str(model_directory(tmp_path / "a")), KEY)
    (tmp_path / "b").mkdir()
    second = resolve(str(model_directory(tmp_path / "b" / "c")), KEY)
    assert first.directory != second.directory
    assert first.content_hash == second.content_hash
    (second.directory / "README.md").write_text("words")
    assert resolve(str(second.directory), KEY).content_hash == first.content_hash
    for file, content in (
        ("config.json", '{"a": 1}'),
        ("model.safetensors", "other"),
        ("tokenizer.json", "{}"),
    ):
        changed = Path(shutil.copytree(first.directory, tmp_path / f"changed {file}"))
        (changed / file).write_text(content)
        assert resolve(str(changed), KEY).content_hash != first.content_hash


def test_files_are_read_once_as_long_as_they_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    digest = hashlib.file_digest

    def counted(file: Any, *arguments: Any) -> Any:
        read.append(Path(file.name).name)
        return digest(file, *arguments)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    directory = model_directory(tmp_path / "a")
    hashes = {resolve(str(directory), KEY).content_hash for _ in range(3)}
    assert len(hashes) == 1
    assert sorted(read) == ["config.json", "model.safetensors"]
    (directory / "config.json").write_text('{"other": 1}')
    assert resolve(str(directory), KEY).content_hash not in hashes
    assert sorted(read) == ["config.json", "config.json", "model.safetensors"]


def test_the_config_is_what_the_file_says(tmp_path: Path) -> None:
    assert resolve(str(model_directory(tmp_path / "a", '{"n": 3}')), KEY).config == {"n": 3}


def test_a_path_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "there is no directory" in refused(str(tmp_path / "nowhere" / "at all"))
    assert "there is no directory" in refused("../no/such/model")
    for no_name_on_the_hub in ("model-", "some/model.git", "a--b", "x" * 97):
        assert "there is no directory" in refused(no_name_on_the_hub)


def test_a_directory_without_a_model_is_refused(tmp_path: Path) -> None:
    assert "lacks config.json and model.safetensors" in refused(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    assert "lacks model.safetensors" in refused(str(tmp_path))
    assert "is a file" in refused(str(tmp_path / "config.json"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", "{"),
        ("config.json", "[]"),
        ("model.safetensors.index.json", "{"),
        ("model.safetensors.index.json", "[]"),
        ("model.safetensors.index.json", "{}"),
        ("model.safetensors.index.json", '{"weight_map": 3}'),
    ],
)
def test_a_damaged_description_is_refused(tmp_path: Path, file: str, content: str) -> None:
    directory = model_directory(tmp_path / "model")
    (directory / file).write_text(content)
    assert f"lacks a readable {file}" in refused(str(directory))


def test_every_shard_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    (tmp_path / shards["a"]).write_bytes(b"a")
    assert f"lacks {shards['b']}" in refused(str(tmp_path))
    (tmp_path / shards["b"]).write_bytes(b"b")
    before = resolve(str(tmp_path), KEY).content_hash
    (tmp_path / shards["b"]).write_bytes(b"c")
    assert resolve(str(tmp_path), KEY).content_hash != before


OFFLINE = """
import sys
from models.errors import ModelError
from models.pretrained import resolve
for name in sys.argv[1:]:
    try:
        print(resolve(name, "models.llm.weights").directory)
    except ModelError as error:
        print(error)
"""


def test_offline_a_local_model_is_found_and_another_is_refused_at_once(tmp_path: Path) -> None:
    cached = hub_cache(tmp_path / "hub")
    local = model_directory(tmp_path / "local")
    run = subprocess.run(
        [sys.executable, "-c", OFFLINE, "someone/tiny", str(local), "someone/else", "gpt2"],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "hub")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    by_name, by_path, *absent = run.stdout.splitlines()
    assert (by_name, by_path) == (str(cached.resolve()), str(local))
    for name, line in zip(("someone/else", "gpt2"), absent, strict=True):
        assert line.startswith(f"{name} is no directory here, nor is it complete in the local")
        assert "HF_HUB_OFFLINE" in line
        assert line.endswith(f"hf download {name}")


def test_without_a_network_the_refusal_says_how_to_get_the_model(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"  # the discard port: nothing listens
    environment = {
        name: value
        for name, value in os.environ.items()
        if "proxy" not in name.lower() and name != "HF_HUB_OFFLINE"
    }
    run = subprocess.run(
        [sys.executable, "-c", OFFLINE, "someone/else"],
        env={**environment, "HF_ENDPOINT": nowhere, "HF_HUB_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (line,) = run.stdout.splitlines()
    assert "the hub did not give it" in line
    assert line.endswith("hf download someone/else")
