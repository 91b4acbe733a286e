import json
import multiprocessing
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from workloads import content_cache, content_hash
from workloads.content_cache import METADATA_FILE, STAMPS_FILE, ContentCache, key_of

IDENTITY = {"data": "abc", "seed": 0}


def write(directory: Path) -> dict[str, Any]:
    (directory / "one").write_bytes(b"first")
    (directory / "two").write_bytes(b"second")
    return {"length": 2}


def test_an_entry_is_found_by_its_identity(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path / "kind")
    assert cache.find(IDENTITY) is None
    added = cache.add(IDENTITY, write)
    found = cache.find(IDENTITY)
    assert found == added
    assert found is not None
    assert found.facts == {"length": 2}
    assert (found.directory / "two").read_bytes() == b"second"
    assert cache.find({**IDENTITY, "seed": 1}) is None


def test_the_order_of_an_identitys_keys_does_not_matter() -> None:
    assert key_of(IDENTITY) == key_of({"seed": 0, "data": "abc"})


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: (place / "one").write_bytes(b"fIrst"),
        lambda place: (place / "two").unlink(),
        lambda place: (place / "three").write_bytes(b""),
        lambda place: (place / METADATA_FILE).unlink(),
        lambda place: (place / METADATA_FILE).write_text("{"),
        lambda place: (place / METADATA_FILE).write_text("[]"),
        lambda place: (place / METADATA_FILE).write_text(
            (place / METADATA_FILE).read_text().replace('"length": 2', '"length": 3')
        ),
    ],
    ids=["changed", "missing", "extra", "no metadata", "cut", "other json", "facts changed"],
)
def test_damage_is_reported_and_mended(
    tmp_path: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ContentCache(tmp_path)
    sound = cache.add(IDENTITY, write)
    damage(sound.directory)
    assert cache.find(IDENTITY) is None
    assert str(sound.directory) in caplog.text
    cache.add(IDENTITY, write)
    assert cache.find(IDENTITY) == sound
    assert [path.name for path in tmp_path.iterdir()] == [key_of(IDENTITY)]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def fail(directory: Path) -> dict[str, Any]:
        write(directory)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ContentCache(tmp_path).add(IDENTITY, fail)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_up_a_day_later(tmp_path: Path) -> None:
    old, new = (tmp_path / f".{key_of(IDENTITY)}-{name}" for name in ("old", "new"))
    for left in (old, new):
        left.mkdir()
    os.utime(old, (0, 0))
    ContentCache(tmp_path).add(IDENTITY, write)
    assert not old.exists()
    assert new.exists()


def _race(folder: Path, barrier: Any) -> None:
    def build(directory: Path) -> dict[str, Any]:
        facts = write(directory)
        barrier.wait()
        return facts

    ContentCache(folder).add(IDENTITY, build)


def test_two_processes_that_build_the_same_entry_do_no_harm(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    racers = [context.Process(target=_race, args=(tmp_path, barrier)) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert [racer.exitcode for racer in racers] == [0, 0]
    assert ContentCache(tmp_path).find(IDENTITY) is not None
    assert [path.name for path in tmp_path.iterdir()] == [key_of(IDENTITY)]


def test_metadata_names_the_hash_of_every_file(tmp_path: Path) -> None:
    entry = ContentCache(tmp_path).add(IDENTITY, write)
    metadata = json.loads((entry.directory / METADATA_FILE).read_text())
    assert sorted(metadata["files"]) == ["one", "two"]
    assert metadata["identity"] == IDENTITY


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files hashed; files may be trusted as soon as they are written."""
    names: list[str] = []

    def counting(path: Path) -> str:
        names.append(path.name)
        return content_hash.file_hash(path)

    monkeypatch.setattr(content_cache, "file_hash", counting)
    monkeypatch.setattr(content_cache, "SETTLED_NS", 0)
    return names


def test_a_file_is_hashed_once_and_again_when_it_was_written_to(
    tmp_path: Path, hashed: list[str]
) -> None:
    cache = ContentCache(tmp_path)
    sound = cache.add(IDENTITY, write)
    hashed.clear()
    assert cache.find(IDENTITY) == sound
    assert hashed == []
    one = sound.directory / "one"
    one.write_bytes(b"first")  # the same again
    assert cache.find(IDENTITY) == sound
    assert hashed == ["one"]
    before = one.stat()
    one.write_bytes(b"fIrst")
    os.utime(one, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.find(IDENTITY) is None
    assert hashed == ["one", "one"]


def test_a_copied_entry_is_hashed_anew(tmp_path: Path, hashed: list[str]) -> None:
    sound = ContentCache(tmp_path / "here").add(IDENTITY, write)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    hashed.clear()
    found = ContentCache(tmp_path / "there").find(IDENTITY)
    assert found is not None
    assert found.hashes == sound.hashes
    assert sorted(hashed) == ["one", "two"]


def test_what_was_just_written_is_not_yet_trusted(tmp_path: Path) -> None:
    entry = ContentCache(tmp_path).add(IDENTITY, write)
    assert not (entry.directory / STAMPS_FILE).exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"one": 3}'])
def test_damaged_stamps_are_of_no_account(tmp_path: Path, hashed: list[str], content: str) -> None:
    cache = ContentCache(tmp_path)
    sound = cache.add(IDENTITY, write)
    (sound.directory / STAMPS_FILE).write_text(content)
    hashed.clear()
    assert cache.find(IDENTITY) == sound
    assert sorted(hashed) == ["one", "two"]
    assert cache.find(IDENTITY) == sound
    assert len(hashed) == 2


def test_a_cache_that_may_only_be_read_is_hashed_every_time(
    tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ContentCache(tmp_path)
    sound = cache.add(IDENTITY, write)
    (sound.directory / STAMPS_FILE).unlink()

    def refuse(self: Path, _: str) -> None:
        raise PermissionError(self)

    monkeypatch.setattr(Path, "write_text", refuse)
    hashed.clear()
    assert cache.find(IDENTITY) == sound
    assert cache.find(IDENTITY) == sound
    assert len(hashed) == 4
