"""What the files hold that a scenario names: a result is theirs as much as the scenario's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiment.directories import Directories
from experiment.scenario import Scenario
from workloads import datasets
from workloads.settings import Settings


def file_hashes(scenario: Scenario) -> dict[str, str]:
    """Return the SHA-256 (hex) of what each file or model holds that the settings name, by key.

    The data set is not among them: its identity is that of the log that is read from it.
    """
    return dict(_found(scenario, ""))


class NamedContents:
    """What finished runs read, compared with what their scenarios would read now.

    Args:
        directories: where data sets are found. Each is read once.
    """

    def __init__(self, directories: Directories) -> None:
        self._directories = directories
        self._datasets: dict[str, str] = {}

    def changed(self, scenario: Scenario, directory: Path) -> tuple[str, ...]:
        """Return the keys whose files hold something else than when a run of them was made.

        Args:
            scenario: what was run.
            directory: of the finished run.

        Raises:
            WorkloadError, ModelError: something that it names is not there any more.
        """
        file = directory / "manifest.json"
        manifest = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        then = manifest.get("hashes", {})
        now = file_hashes(scenario)
        if scenario.workload.dataset != datasets.SYNTHETIC:
            now = {"dataset": self._dataset_hash(scenario), **now}
        return tuple(
            "workload.dataset" if key == "dataset" else key
            for key, content_hash in now.items()
            if then.get(key) != content_hash
        )

    def _dataset_hash(self, scenario: Scenario) -> str:
        name = scenario.workload.dataset
        if name not in self._datasets:
            data, cache = self._directories.data, self._directories.cache
            self._datasets[name] = datasets.load(scenario.workload, data, cache).content_hash
        return self._datasets[name]


def _found(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield dotted keys and hashes from settings, and from what they are made of."""
    below: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, Settings):
        yield from ((f"{path}{key}", found) for key, found in value.content_hashes().items())
        below = iter(value)
    elif isinstance(value, dict):
        below = iter(value.items())
    elif isinstance(value, tuple):
        below = iter(enumerate(value))
    for key, part in below:
        yield from _found(part, f"{path}{key}.")
