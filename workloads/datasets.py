"""Find the data set that a scenario names, and read it."""

import difflib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workloads import download, readers, registry
from workloads.content_hash import file_hash
from workloads.download import Archive
from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.kept_logs import kept
from workloads.progress import SILENT, Progress
from workloads.readers.reader import Reader
from workloads.synthetic.generator import generate
from workloads.workload_settings import WorkloadSettings

SYNTHETIC = "synthetic"

_BY_HAND: Mapping[str, str] = MappingProxyType(
    {
        "amazon-beauty": "Beauty.txt (and Beauty_item2attributes.json) from "
        "https://github.com/RUCAIBox/CIKM2020-S3Rec"
    }
)
"""Known data sets that no publisher serves as an archive: what to put into their folder."""


def load(
    settings: WorkloadSettings,
    data_dir: Path | None,
    cache_dir: Path,
    progress: Progress = SILENT,
    archives: Mapping[str, Archive] = download.ARCHIVES,
) -> InteractionLog:
    """Return the interaction log that `settings.dataset` names.

    A text with a slash is a path. A name is looked for in `data_dir`, then as a path in the working
    directory, then among the `archives`, which are fetched where the cache does not hold them. What
    was generated or read once is kept in the cache, by the settings of the generator or by what the
    files hold.

    Args:
        settings: names the data set, or parametrises the synthetic one.
        data_dir: the directory of data sets (`LSC_DATA`); None where there is none.
        cache_dir: where logs and fetched archives are kept (`LSC_CACHE`).
        progress: told of reading, generating and fetching.
        archives: archives that may be fetched, by data set name.

    Raises:
        WorkloadError: there is no such data set, or it cannot be fetched or read.
    """
    name = settings.dataset
    if name == SYNTHETIC:
        origin = {"generated": settings.synthetic.model_dump(mode="json"), "seed": settings.seed}
        return kept(
            cache_dir, origin, partial(generate, settings.synthetic, settings.seed, progress)
        )
    path = _find(name, data_dir)
    if path is not None:
        return kept(cache_dir, _origin(path), partial(read, path, progress))
    if name in _BY_HAND:
        raise WorkloadError(
            f"{name} is not in LSC_DATA ({data_dir or 'not set'}) and cannot be fetched: put "
            f"{_BY_HAND[name]} into LSC_DATA/{name}"
        )
    if name not in archives:
        raise WorkloadError(_unknown(name, data_dir, archives))

    def read_archive() -> InteractionLog:
        with download.unpacked(archives[name], data_dir, cache_dir, progress) as folder:
            return read(folder, progress)

    return kept(cache_dir, {"archive": archives[name].sha256}, read_archive)


def read(path: Path, progress: Progress = SILENT) -> InteractionLog:
    """Read the log at a file or folder with the reader that recognises its layout.

    Raises:
        WorkloadError: nothing is there, no reader recognises it, or it is malformed.
    """
    return _reader_of(path).read(path, _name_of(path), progress)


def _reader_of(path: Path) -> Reader:
    """Return the reader that recognises the layout of a file or folder.

    Raises:
        WorkloadError: nothing is there, or no reader recognises it.
    """
    if not path.exists():
        raise WorkloadError(f"{path}: there is no such file or folder")
    family = [member() for member in registry.members(readers, Reader)]  # type: ignore[type-abstract]
    for reader in family:
        if reader.recognises(path):
            return reader
    layouts = "; ".join(reader.layout for reader in family)
    raise WorkloadError(f"{path}: no known layout; accepted: {layouts}")


def _name_of(path: Path) -> str:
    return path.stem if path.is_file() else path.name


def _origin(path: Path) -> dict[str, Any]:
    """Return what the log at a file or folder is a function of: who reads it, and what is in it.

    Raises:
        WorkloadError: nothing is there, no reader recognises it, or it cannot be read.
    """
    reader = _reader_of(path)
    hashes = {}
    for file in reader.files(path):
        try:
            hashes[file.name] = file_hash(file)
        except OSError as error:
            raise WorkloadError(f"{file}: cannot be read: {error.strerror}") from error
    return {"reader": reader.model_dump(mode="json"), "name": _name_of(path), "files": hashes}


def _find(name: str, data_dir: Path | None) -> Path | None:
    """Return where the named data set lies, or None where it would have to be fetched."""
    path = Path(name).expanduser()
    if "/" in name or "\\" in name:
        return path
    candidates = ([] if data_dir is None else [data_dir / name]) + [path]
    return next((candidate for candidate in candidates if candidate.exists()), None)


def _unknown(name: str, data_dir: Path | None, archives: Mapping[str, Archive]) -> str:
    """Return an error message that says what could have been meant."""
    local: list[str] = []
    there = "LSC_DATA is not set"
    if data_dir is not None and not data_dir.is_dir():
        there = f"LSC_DATA={data_dir} is no folder"
    elif data_dir is not None:
        local = sorted(path.name for path in data_dir.iterdir() if path.is_dir())
        there = f"LSC_DATA={data_dir} holds {', '.join(local) or 'no folder'}"
    offered = [SYNTHETIC, *archives, *_BY_HAND]
    known = list(dict.fromkeys([*offered, *local]))
    nearest = difflib.get_close_matches(name, known, n=1)
    meant = f" (did you mean {nearest[0]!r}?)" if nearest else ""
    return (
        f"there is no data set {name!r}{meant}; accepted: {', '.join(offered)}, "
        f"a folder in LSC_DATA, or a path with a slash; {there}"
    )
