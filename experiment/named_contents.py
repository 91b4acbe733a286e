"""What the files hold that a scenario names: a result is theirs as much as the scenario's."""

import json
from pathlib import Path
from typing import Any

from experiment.directories import Directories
from experiment.scenario import Scenario
from experiment.sections import sections
from workloads import datasets


def file_hashes(scenario: Scenario) -> dict[str, str]:
    """Return the SHA-256 (hex) of what each file or model holds that the settings name, by key.

    The data set is not among them: its identity is that of the log that is read from it.
    """
    return {
        f"{path}{key}": content_hash
        for path, section in sections(scenario)
        for key, content_hash in section.content_hashes().items()
    }


class NamedContents:
    """What finished runs read, compared with what their scenarios would read now.

    Args:
        directories: where data sets are found, each to be read once; None: they are taken to be
            what they were.
    """

    def __init__(self, directories: Directories | None) -> None:
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
        then = read_manifest(directory).get("hashes", {})
        now = file_hashes(scenario)
        if self._directories and scenario.workload.dataset != datasets.SYNTHETIC:
            now = {"dataset": self._dataset_hash(scenario, self._directories), **now}
        return tuple(
            "workload.dataset" if key == "dataset" else key
            for key, content_hash in now.items()
            if then.get(key) != content_hash
        )

    def _dataset_hash(self, scenario: Scenario, directories: Directories) -> str:
        name = scenario.workload.dataset
        if name not in self._datasets:
            log = datasets.load(scenario.workload, directories.data, directories.cache)
            self._datasets[name] = log.content_hash
        return self._datasets[name]


def read_manifest(directory: Path) -> dict[str, Any]:
    """Return the manifest of a finished run; nothing where there is none."""
    file = directory / "manifest.json"
    read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return read
