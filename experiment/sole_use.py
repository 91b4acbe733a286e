"""A folder that one process at a time may work in."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiment.scenario_error import ScenarioError


@contextmanager
def sole_use(folder: Path) -> Iterator[None]:
    """Keep others out of a folder while the block runs; a process that is killed keeps nobody out.

    Raises:
        ScenarioError: another process works there.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = "another process works there; wait for its end, or name another directory"
            raise ScenarioError(str(folder), "--out", message) from None
        yield
    finally:
        os.close(descriptor)
