"""Where a run's files go: which directory is taken, and which result is never overwritten."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

from experiment.scenario_error import ScenarioError

RUNS = Path("runs")
OWN_FILES = (
    "scenario.yaml",
    "manifest.json",
    "summary.json",
    "baseline_worlds.json",
    "failed.json",
    "report.html",
    "*.parquet",
)
OWN_FOLDERS = ("figures", "points")


class Contents(Enum):
    """What a directory holds."""

    NOTHING = "nothing"
    RUN = "the finished result of a run"
    SWEEP = "the finished result of a sweep"
    UNFINISHED_SWEEP = "points of a sweep that is not finished"
    OTHER = "files that no run wrote"


def contents(directory: Path) -> Contents:
    """Tell what a directory, or what is no directory, holds."""
    if (directory / "sweep.parquet").is_file():
        return Contents.SWEEP
    if (directory / "summary.json").is_file():
        return Contents.RUN
    points = directory / "points"
    if points.is_dir() and all(map(_is_point, points.iterdir())):
        return Contents.UNFINISHED_SWEEP
    if not points.exists() and (directory / "failed.json").is_file():
        return Contents.UNFINISHED_SWEEP
    if directory.is_dir() and any(directory.iterdir()):
        return Contents.OTHER
    return Contents.NOTHING


def choose(name: str, named: Path | None, *, has_sweep: bool, resume: bool, fresh: bool) -> Path:
    """Return the output directory; nothing is created or removed.

    Args:
        name: the scenario's name: the default is `runs/NAME`, or the next of `runs/NAME-2`, ...
            that holds no result; to resume, the last of them that exists.
        named: the directory that `--out` names, None where it names none.
        has_sweep: whether a sweep is to be run, which can go on in its own directory.
        resume: go on with what is there.
        fresh: replace what is there.

    Raises:
        ScenarioError: the directory is a file, or holds what may not be replaced.
    """
    if named is None and not (resume or fresh):
        return next(path for path in _numbered(name) if _is_free(path, has_sweep))
    if named is None:
        existing = list(itertools.takewhile(Path.exists, _numbered(name)))
        directory = existing[-1] if existing and resume else RUNS / name
    else:
        directory = named
    if refusal := _refusal(directory, has_sweep=has_sweep, resume=resume, fresh=fresh):
        raise ScenarioError(str(directory), "--out", refusal)
    return directory


@contextmanager
def opened(directory: Path, *, clear: bool) -> Iterator[None]:
    """Create the directory if need be, make sure that it can be written, and `clear` it if so told.

    Only what runs write is removed. A block that fails before it wrote anything leaves no empty
    directory behind.

    Raises:
        ScenarioError: it cannot be created, written or cleared.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
        if clear:
            _clear(directory)
    except OSError as error:
        message = f"cannot be written ({error.strerror}); name another directory with --out"
        raise ScenarioError(str(directory), "--out", message) from None
    try:
        yield
    except BaseException:
        with suppress(OSError):
            directory.rmdir()
        raise


def refuse_another_scenario(directory: Path, resolved: str) -> None:
    """Make sure that a finished run in `directory` is of the scenario with this resolved text.

    Raises:
        ScenarioError: it is of another, or says nothing of its scenario.
    """
    file = directory / "scenario.yaml"
    if not file.is_file() or file.read_text(encoding="utf-8") != resolved:
        message = (
            "holds the finished result of another scenario, so there is nothing to resume; give "
            "--fresh to replace it, or another directory"
        )
        raise ScenarioError(str(directory), "--out", message)


def _is_free(directory: Path, has_sweep: bool) -> bool:
    found = contents(directory)
    return found is Contents.NOTHING or (has_sweep and found is Contents.UNFINISHED_SWEEP)


def _refusal(directory: Path, *, has_sweep: bool, resume: bool, fresh: bool) -> str:
    """Return why a directory cannot be taken; nothing where it can."""
    found = contents(directory)
    if directory.exists() and not directory.is_dir():
        return "is a file; name a directory"
    if found is Contents.OTHER:
        return f"holds {found.value}; name a new or empty directory"
    if fresh and (foreign := _foreign(directory)):
        names = ", ".join(foreign)
        return f"holds files that no run wrote ({names}); move them to replace the rest"
    if fresh or _is_free(directory, has_sweep):
        return ""
    if not resume:
        return (
            f"holds {found.value}; give --fresh to replace it, --resume to go on with it, "
            "or another directory"
        )
    if has_sweep != (found is not Contents.RUN):
        scenario = "a sweep" if has_sweep else "a single run"
        return (
            f"holds {found.value}, which {scenario} cannot go on with; give --fresh to replace it, "
            "or another directory"
        )
    return ""


def _is_point(path: Path) -> bool:
    """Tell whether something in `points` is a finished point, or what a killed one left."""
    return path.name.startswith(".") or (path / "summary.json").is_file()


def _foreign(directory: Path) -> list[str]:
    """Return the names of what lies in a directory and was not written by a run."""
    own = {*_own_files(directory), *(directory / folder for folder in OWN_FOLDERS)}
    there = directory.iterdir() if directory.is_dir() else ()
    return sorted(path.name for path in there if path not in own)


def _own_files(directory: Path) -> set[Path]:
    """Return the files of a result, and what a killed program was writing for them."""
    patterns = (each for pattern in OWN_FILES for each in (pattern, f".{pattern}*"))
    return {path for pattern in patterns for path in directory.glob(pattern)}


def _numbered(name: str) -> Iterator[Path]:
    yield RUNS / name
    for number in itertools.count(2):
        yield RUNS / f"{name}-{number}"


def _clear(directory: Path) -> None:
    for file in _own_files(directory):
        file.unlink()
    for folder in OWN_FOLDERS:
        if (directory / folder).is_dir():
            shutil.rmtree(directory / folder)
