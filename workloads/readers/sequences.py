"""Sequence files: one line per user, the user's key and then the items in time order."""

import json
from pathlib import Path
from typing import ClassVar, Literal

import pandas as pd

from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.progress import Progress
from workloads.readers.delimited_text import read_lines
from workloads.readers.reader import Reader


class SequenceReader(Reader):
    """Reads `NAME.txt`, and `NAME_item2attributes.json` where it lies beside it.

    Keys are separated by white space. There are no times. The attributes file maps item keys to
    lists of attribute names or numbers. This is the form in which S3-Rec publishes Amazon reviews
    (Zhou et al., 2020, https://github.com/RUCAIBox/CIKM2020-S3Rec).
    """

    kind: Literal["sequences"] = "sequences"
    layout: ClassVar[str] = "a sequence file (one NAME.txt: a line per user, the user, then items)"

    def recognises(self, path: Path) -> bool:
        """Return whether `path` is a `.txt` file, or a folder with exactly one but a readme."""
        if path.is_dir():
            return len(_sequence_files(path)) == 1
        return path.suffix == ".txt"

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the file of sequences, and that of the items' attributes."""
        sequences_path = _sequence_files(path)[0] if path.is_dir() else path
        attributes_path = sequences_path.with_name(f"{sequences_path.stem}_item2attributes.json")
        return (sequences_path, *([attributes_path] if attributes_path.exists() else []))

    def read(self, path: Path, name: str, progress: Progress) -> InteractionLog:
        """Read the sequences, and the items' attributes where they are given."""
        sequences_path, *others = self.files(path)
        users: list[str] = []
        items: list[str] = []
        line_of_user: dict[str, int] = {}
        lines = read_lines(sequences_path)
        with progress.phase(f"read {sequences_path.name}", len(lines)) as advance:
            for line, text in enumerate(lines, 1):
                user, *taken = text.split() or [""]
                if not taken:
                    raise WorkloadError(
                        f"{sequences_path}: line {line}: a user and at least one item are expected"
                    )
                if user in line_of_user:
                    raise WorkloadError(
                        f"{sequences_path}: line {line}: user {user!r} was on line "
                        f"{line_of_user[user]} already; one line per user is expected"
                    )
                line_of_user[user] = line
                users.extend([user] * len(taken))
                items.extend(taken)
                advance()
        attributes = _read_attributes(others[0]) if others else {}
        return InteractionLog.from_columns(
            name, pd.Series(users, dtype=str), pd.Series(items, dtype=str), None, {}, attributes
        )


def _sequence_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.txt")) if path.stem.lower() != "readme"]


def _read_attributes(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the attributes by item key."""
    try:
        mapping = json.loads("\n".join(read_lines(path)))
    except json.JSONDecodeError as error:
        raise WorkloadError(f"{path}: line {error.lineno}: no JSON: {error.msg}") from error
    if not isinstance(mapping, dict):
        raise WorkloadError(f"{path}: line 1: a mapping of items to attributes is expected")
    for item, names in mapping.items():
        listed = isinstance(names, list)
        if not listed or not all(isinstance(value, str | int) for value in names):
            raise WorkloadError(
                f"{path}: item {item!r}: a list of attribute names or numbers is expected"
            )
    return {item: tuple(str(value) for value in names) for item, names in mapping.items()}
