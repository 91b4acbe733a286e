"""A cache of directories named by what is in them: complete and verified, or absent."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workloads.content_hash import file_hash

METADATA_FILE = "metadata.json"
STAMPS_FILE = "stamps.json"
"""When and where the files of an entry lay that were hashed and found sound."""
SETTLED_NS = 2_000_000_000
"""A file whose last change is younger might change again within one tick of the file system's
clock, so it is not trusted by its time; git's index does the same to "racily clean" files."""
ABANDONED_S = 86_400.0
"""A temporary directory untouched for so many seconds belongs to no living process."""


def key_of(identity: dict[str, Any]) -> str:
    """Return the name of the entry with this identity: 32 hex digits of its JSON's SHA-256."""
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Entry:
    """A verified directory of the cache.

    Attributes:
        directory: where its files are.
        facts: what its builder wrote down about it.
        hashes: SHA-256 (hex) of each file but the metadata.
    """

    directory: Path
    facts: dict[str, Any]
    hashes: dict[str, str]

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) over all files' names and contents."""
        return hashlib.sha256(json.dumps(self.hashes, sort_keys=True).encode()).hexdigest()


class ContentCache:
    """Entries of one kind below one folder.

    An entry is built in a temporary directory beside its place and renamed into it, so a killed
    process leaves nothing under a final name, and of two processes that build the same entry one
    finds the other's. Every file is hashed when an entry is first opened, and again when the file
    system says that it has been written to since (another size, time, inode or device; the time is
    that of the last change of inode or content, which no program can set back). A damaged entry
    is reported and built anew.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, identity: dict[str, Any]) -> Entry | None:
        """Return the entry with this identity, or None where there is none that is undamaged."""
        place = self._folder / key_of(identity)
        if not place.is_dir():
            return None
        try:
            return _verified(place)
        except (OSError, ValueError, KeyError, TypeError) as damage:
            logging.getLogger(__name__).warning(
                "cache entry %s is damaged (%s); it is built anew", place, damage
            )
            return None

    def add(self, identity: dict[str, Any], build: Callable[[Path], dict[str, Any]]) -> Entry:
        """Build an entry: `build` fills the directory that it is given and returns the facts."""
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder / key_of(identity)
        self._sweep(place)
        building = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=self._folder))
        try:
            facts = build(building)
            metadata: dict[str, Any] = {
                "identity": identity,
                "facts": facts,
                "files": _hashes(building),
            }
            metadata["seal"] = _seal(metadata)
            (building / METADATA_FILE).write_text(json.dumps(metadata, indent=1, sort_keys=True))
            building.chmod(0o755)  # mkdtemp's directories are private; a cache may be shared
            self._publish(building, place, identity)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        return _verified(place)

    def _sweep(self, place: Path) -> None:
        """Remove what a killed process left of this entry; a living one is not a day old."""
        for left in self._folder.glob(f".{place.name}-*"):
            if time.time() - left.stat().st_mtime > ABANDONED_S:
                shutil.rmtree(left, ignore_errors=True)

    def _publish(self, building: Path, place: Path, identity: dict[str, Any]) -> None:
        """Rename the finished directory into its place, unless a sound one got there first."""
        try:
            os.replace(building, place)
        except OSError:
            if self.find(identity) is not None:
                return
            damaged = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=self._folder))
            os.replace(place, damaged)
            shutil.rmtree(damaged)
            os.replace(building, place)


def receive(place: Path, unpack: Callable[[Path], None]) -> None:
    """Put an entry that another cache has built into its place, unless a sound one is there.

    Args:
        place: of the entry: a folder in the folder of its kind.
        unpack: writes the entry, a folder of the place's name, into the folder that it is given.

    Raises:
        ValueError: what was written is not what the other cache's metadata says.
    """
    if place.is_dir():
        with suppress(OSError, ValueError, KeyError, TypeError):
            _verified(place)
            return
    place.parent.mkdir(parents=True, exist_ok=True)
    arriving = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        unpack(arriving)
        _verified(arriving / place.name)
        if place.is_dir():
            os.replace(place, arriving / "damaged")
        # Another process may have been faster; then its entry, verified as well, stays.
        with suppress(OSError):
            os.replace(arriving / place.name, place)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)


def _hashes(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that an entry is about."""
    return {name: file_hash(directory / name) for name in _stamps(directory)}


def _stamps(directory: Path) -> dict[str, list[int]]:
    """Return size, last change (ns), inode and device of every file that an entry is about."""
    stamps = {}
    with os.scandir(directory) as files:
        for file in files:
            if file.name not in (METADATA_FILE, STAMPS_FILE):
                status = os.stat(file.path)
                changed_ns = status.st_ctime_ns
                stamps[file.name] = [status.st_size, changed_ns, status.st_ino, status.st_dev]
    return stamps


def _seal(metadata: dict[str, Any]) -> str:
    """Return the SHA-256 (hex) of the metadata itself, so that damage to it shows too."""
    return hashlib.sha256(json.dumps(metadata, sort_keys=True).encode()).hexdigest()


def _verified(place: Path) -> Entry:
    """Read an entry's metadata and hash those of its files that have changed since last time.

    Raises:
        ValueError: a file is missing, is too many or has changed, or the metadata is no JSON.
    """
    metadata = json.loads((place / METADATA_FILE).read_text())
    if metadata.pop("seal") != _seal(metadata):
        raise ValueError(f"{METADATA_FILE}: not what was written")
    written: dict[str, str] = metadata["files"]
    # Before the files are read: what is written to meanwhile gets another stamp.
    stamps, sound = _stamps(place), _stamps_of_sound_files(place)
    wrong = sorted(
        name
        for name in stamps.keys() | written.keys()
        if name not in stamps
        or name not in written
        or (stamps[name] != sound.get(name) and file_hash(place / name) != written[name])
    )
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: not what was written")
    if stamps != sound:
        _remember(place, stamps)
    return Entry(place, metadata["facts"], written)


def _stamps_of_sound_files(place: Path) -> dict[str, list[int]]:
    """Return the stamps that files had when they were found sound; none where that is not known."""
    with suppress(OSError, ValueError):
        stamps = json.loads((place / STAMPS_FILE).read_text())
        if isinstance(stamps, dict):
            return stamps
    return {}


def _remember(place: Path, stamps: dict[str, list[int]]) -> None:
    """Write down the stamps of sound files, where that is allowed and they have settled."""
    now_ns = time.time_ns()
    if any(now_ns - changed_ns < SETTLED_NS for _, changed_ns, _, _ in stamps.values()):
        return
    with suppress(OSError):
        # Beside the entry, in which another process would take it for a file too many.
        staging = place.with_name(f".{place.name}-stamps-{os.getpid()}")
        staging.write_text(json.dumps(stamps))
        os.replace(staging, place / STAMPS_FILE)
