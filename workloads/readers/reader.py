"""The base of the readers of interaction logs."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from workloads.interaction_log import InteractionLog
from workloads.progress import Progress
from workloads.settings import Settings


class Reader(Settings, ABC):
    """Reads the logs of one layout; a new layout is a new module beside this one."""

    layout: ClassVar[str]
    """The files that this reader takes, in words for error messages."""

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Return whether the file or folder at `path` has this reader's layout."""

    @abstractmethod
    def files(self, path: Path) -> tuple[Path, ...]:
        """Return all files that `read` reads at a `path` that is recognised, the log itself first.

        Files that may be missing are named where they are there.
        """

    @abstractmethod
    def read(self, path: Path, name: str, progress: Progress) -> InteractionLog:
        """Read the log at `path` and call it `name`.

        Raises:
            WorkloadError: a file is missing or malformed; the message names file and line.
        """
