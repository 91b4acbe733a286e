"""The small files that a scenario names beside its data and models: traces and profiles."""

import os
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from experiment.scenario import Scenario
from experiment.sections import sections
from sim.network.packet_trace import find_trace
from sim.network.trace import TraceNetwork
from workloads.settings import Settings

TRACES = "LSC_TRACES"


@dataclass(frozen=True)
class NamedFiles:
    """What files hold that a scenario names by relative paths, by name.

    Those with absolute paths are expected where they are.
    """

    contents: Mapping[str, bytes]

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """Read them."""
        contents = {}
        for _, section in sections(scenario):
            for name in _names(section):
                if not Path(name).expanduser().is_absolute() and ".." not in Path(name).parts:
                    trace = isinstance(section, TraceNetwork)
                    contents[name] = (find_trace(name) if trace else Path(name)).read_bytes()
        return cls(contents)

    @contextmanager
    def present(self, folder: Path) -> Iterator[None]:
        """Make them be found, in a new folder, while the block runs."""
        folder.mkdir(parents=True)
        for name, content in self.contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        before = os.environ.get(TRACES)
        try:
            with chdir(folder):
                if self.contents:
                    os.environ[TRACES] = str(folder)
                yield
        finally:
            if self.contents:
                os.environ.pop(TRACES)
                if before is not None:
                    os.environ[TRACES] = before


def _names(section: Settings) -> Iterator[str]:
    """Yield the values of settings that name files."""
    for key, field in type(section).model_fields.items():
        extra: Any = field.json_schema_extra
        value = getattr(section, key)
        if isinstance(extra, dict) and extra.get("format") == "file-path" and value is not None:
            yield value
