"""Errors of the analysis that the user can mend."""

from pathlib import Path


class RecordsError(Exception):
    """A directory's files cannot be read as records: which file, and what is wrong with it."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
