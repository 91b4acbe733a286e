"""Fetch published archives of data sets: verified by checksum, atomically, into the cache."""

import hashlib
import http.client
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from workloads.errors import WorkloadError
from workloads.progress import Progress

_TIMEOUT_S = 30
_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Archive:
    """A zip archive that its publisher serves.

    Attributes:
        name: the data set's name, and the folder inside the archive.
        url: where it is served.
        md5: hexadecimal digest of the archive.
        sha256: hexadecimal digest of the archive.
        files: the files to take from the folder; everything else is left in the archive.
    """

    name: str
    url: str
    md5: str
    sha256: str
    files: tuple[str, ...]


ARCHIVES: Mapping[str, Archive] = MappingProxyType(
    {
        "ml-100k": Archive(
            name="ml-100k",
            url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
            md5="0e33842e24a9c977be4e0107933c0723",
            sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            files=("u.data", "u.item"),
        ),
        "ml-1m": Archive(
            name="ml-1m",
            url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
            md5="c4d9eecfca2ab87c1945afe126590906",
            sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            files=("ratings.dat", "movies.dat"),
        ),
    }
)


@contextmanager
def unpacked(
    archive: Archive, data_dir: Path | None, cache_dir: Path, progress: Progress
) -> Iterator[Path]:
    """Fetch an archive where the cache does not hold it, and unpack it for the time of the context.

    The archive alone is kept, and verified each time, so that nothing damaged is ever read.

    Args:
        archive: what to fetch.
        data_dir: the directory of data sets, named in the error where fetching fails.
        cache_dir: the archive is kept as `datasets/NAME.zip` in it.
        progress: told of the bytes fetched.

    Yields:
        The folder with the archive's files, named as the data set.

    Raises:
        WorkloadError: the archive cannot be fetched, or is not what its publisher published.
    """
    path = cache_dir / "datasets" / f"{archive.name}.zip"
    if not path.exists():
        _fetch(archive, path, data_dir, progress)
    fault = _checksum_fault(archive, path)
    if fault is not None:
        raise WorkloadError(f"{path}: {fault}; remove it to have it fetched again")
    with tempfile.TemporaryDirectory(prefix="dataset-") as scratch:
        folder = Path(scratch) / archive.name
        folder.mkdir()
        _unpack(archive, path, folder)
        yield folder


def _fetch(archive: Archive, path: Path, data_dir: Path | None, progress: Progress) -> None:
    """Fetch an archive to a temporary name and move it to `path` once its checksums agree."""
    with _temporary(path) as partial:
        try:
            expected_bytes = _stream(archive.url, partial, f"fetch {archive.name}", progress)
        except (OSError, http.client.HTTPException) as error:
            raise WorkloadError(_offline(archive, path, data_dir, _reason(error))) from error
        received_bytes = partial.stat().st_size
        if expected_bytes is not None and received_bytes != expected_bytes:
            broken = f"it broke off after {received_bytes} of {expected_bytes} bytes"
            raise WorkloadError(_offline(archive, path, data_dir, broken))
        fault = _checksum_fault(archive, partial)
        if fault is not None:
            raise WorkloadError(_offline(archive, path, data_dir, f"what came {fault}"))
        partial.replace(path)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Yield a new file beside `path`, and remove it afterwards where it still is there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise WorkloadError(f"{path.parent}: cannot be written: {error.strerror}") from error
    open(handle, "wb").close()
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _stream(url: str, path: Path, title: str, progress: Progress) -> int | None:
    """Write what `url` serves to `path`; return the bytes that the server announced."""
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response, path.open("wb") as file:
        announced = response.headers.get("Content-Length")
        expected_bytes = int(announced) if announced and announced.isdecimal() else None
        with progress.phase(title, expected_bytes or 0) as advance:
            while chunk := response.read(_CHUNK_BYTES):
                file.write(chunk)
                advance(len(chunk))
    return expected_bytes


def _checksum_fault(archive: Archive, path: Path) -> str | None:
    """Return how the file at `path` differs from what was published, or None."""
    for algorithm, published in (("sha256", archive.sha256), ("md5", archive.md5)):
        with path.open("rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest()
        if found != published:
            return f"has {algorithm} {found}, not the published {published}"
    return None


def _unpack(archive: Archive, path: Path, folder: Path) -> None:
    """Write the archive's files into `folder`, each under its own plain name."""
    try:
        with zipfile.ZipFile(path) as zipped:
            for name in archive.files:
                source = zipped.open(f"{archive.name}/{name}")
                with source, (folder / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
    except KeyError as error:
        raise WorkloadError(f"{path}: there is no {archive.name}/{name} in it") from error
    except zipfile.BadZipFile as error:
        raise WorkloadError(f"{path}: no zip archive: {error}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _offline(archive: Archive, path: Path, data_dir: Path | None, reason: str) -> str:
    """Return the error of a failed fetch, with the places where the user can put the files."""
    lsc_data = "not set" if data_dir is None else str(data_dir)
    return (
        f"{archive.name}: {archive.url} could not be fetched: {reason}; fetch it elsewhere and put "
        f"it at {path}, or unpack it to LSC_DATA/{archive.name} (LSC_DATA is {lsc_data})"
    )
