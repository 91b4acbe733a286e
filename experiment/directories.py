"""Where data sets are found, and where weights and tables are kept."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from experiment.scenario_error import ScenarioError
from workloads.cache_directory import cache_directory


@dataclass(frozen=True)
class Directories:
    """The two directories outside a run's own.

    Attributes:
        data: data sets, from `LSC_DATA`; None where it is not set.
        cache: logs, weights, outcome tables and downloads, from `LSC_CACHE` or in the user's cache.
    """

    data: Path | None
    cache: Path

    def make_cache(self) -> None:
        """Create the cache directory, if it is not there.

        Raises:
            ScenarioError: it cannot be created or written.
        """
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.cache):
                pass
        except OSError as error:
            message = f"cannot be written ({error.strerror}); name another directory"
            raise ScenarioError(str(self.cache), "LSC_CACHE", message) from None

    def absolute(self) -> "Directories":
        """Return the same directories by absolute paths, good in any process."""
        return Directories(self.data and self.data.absolute(), self.cache.absolute())

    @classmethod
    def from_environment(cls) -> "Directories":
        """Read `LSC_DATA` and `LSC_CACHE`."""
        data = os.environ.get("LSC_DATA")
        return cls(data=Path(data) if data else None, cache=cache_directory())
