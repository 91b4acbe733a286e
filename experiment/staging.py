"""Directories and files that appear under their final name only when they are complete."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def staged(directory: Path) -> Iterator[Path]:
    """Yield a new directory beside `directory` that takes its place when the block ends well.

    What lay at `directory` before is replaced at that moment, and stays untouched if the block
    fails or the process is killed.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        work = staging / directory.name
        work.mkdir()
        yield work
        if directory.exists():
            os.replace(directory, staging / "replaced")
        os.replace(work, directory)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def replace_text(path: Path, text: str) -> None:
    """Write a file that is whole whenever it is there, in UTF-8."""
    staging = path.with_name(f".{path.name}")
    staging.write_text(text, encoding="utf-8")
    os.replace(staging, path)
