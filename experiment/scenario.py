"""The scenario: everything that decides a result, composed of the packages' own settings."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from experiment.overrides import Override, apply, parse, put, split_key
from experiment.scenario_error import ScenarioError
from experiment.sweep_settings import SweepSettings
from experiment.yaml_document import read_mapping, write
from models.settings import ModelSettings
from sim.client.settings import ServingSettings
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.faults.settings import FaultSettings
from sim.network import AnyNetwork
from sim.network.cell import CellNetwork
from sim.network.mobility import MobilityNetwork
from sim.policies import AnyPolicy
from workloads.settings import Settings, invalid
from workloads.workload_settings import WorkloadSettings


class Scenario(Settings):
    """One question to the testbed: a workload, models, a policy, and the world around them."""

    name: str = "scenario"
    """Names the output directory; the file's own name where the file gives none."""
    description: str = ""
    """The question that the scenario answers, for the report."""
    seed: int = Field(default=0, ge=0)
    """Seed of the simulation; `workload.seed` and `models.seed` are those of data and training."""
    workload: WorkloadSettings = WorkloadSettings()
    """Which interactions are replayed, by how many devices."""
    models: ModelSettings = Field(default={}, validate_default=True)
    """The device's small model, the cloud's large one, and how their orders are fused."""
    policy: AnyPolicy = Field(default={"kind": "always"}, validate_default=True)
    """When a device asks the cloud for fresh candidates."""
    serving: ServingSettings = ServingSettings()
    """How a device uses lists: waiting, deadlines, the first list, sizes of messages."""
    network: AnyNetwork = Field(default={}, validate_default=True)
    """What lies between devices and the cloud."""
    devices: DeviceSettings = DeviceSettings()
    """The phones' hardware."""
    cloud: CloudSettings = CloudSettings()
    """Who serves requests, how fast, and at what price."""
    faults: FaultSettings = FaultSettings()
    """What goes wrong, and when."""
    sweep: SweepSettings = SweepSettings()
    """Keys that take several values, one run each."""

    @field_validator("name")
    @classmethod
    def _can_name_a_directory(cls, name: str) -> str:
        if not re.fullmatch(r"\w[\w .+-]*", name):
            raise invalid(
                f"is {name!r}; must begin with a letter or digit and hold only letters, digits, "
                "spaces and _ . + -, because it names the output directory"
            )
        return name

    @model_validator(mode="after")
    def _schedules_are_of_classes(self) -> Self:
        if isinstance(self.network, MobilityNetwork):
            classes = [each.kind for each in self.devices.classes or ()]
            if wrong := self.network.wrong_classes(classes):
                key, message = wrong
                raise invalid(message, f"network.{key}")
        return self

    @model_validator(mode="after")
    def _faults_name_what_there_is(self) -> Self:
        devices = self.workload.devices
        # How many devices `all` are is known when the data are read, and checked then.
        count, known = (1, False) if devices == "all" else (devices, True)
        unknown = None
        if known or self.cloud.devices_per_replica is None:
            unknown = self.unknown_replica(count)
        if known or getattr(self.network, "devices_per_cell", None) is None:
            unknown = unknown or self.unknown_cell(count)
        if unknown:
            key, message = unknown
            raise invalid(message, key)
        return self

    def unknown_replica(self, devices: int) -> tuple[str, str] | None:
        """Return the key that names a replica that there is not, and what is wrong with it."""
        unknown = self.faults.unknown_replica(self.cloud.most_replicas(devices))
        return unknown and (f"faults.{unknown[0]}", unknown[1])

    def unknown_cell(self, devices: int) -> tuple[str, str] | None:
        """Return the key that names a cell that there is not, and what is wrong with it."""
        network, cells = self.network, 0
        if isinstance(network, CellNetwork):
            each = network.devices_per_cell
            cells = network.cells if each is None else math.ceil(devices / each)
        unknown = self.faults.unknown_cell(cells)
        return unknown and (f"faults.{unknown[0]}", unknown[1])


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario and what it came from.

    Attributes:
        scenario: the validated scenario, overrides applied. Where there is a sweep it is the one
            that the points start from.
        raw: its plain values, as in the file but for the overrides; without the sweep.
        dropped_keys: dotted paths of keys that an override made meaningless.
        source: the file, for errors.
    """

    scenario: Scenario
    raw: Mapping[str, Any]
    dropped_keys: tuple[str, ...]
    source: str

    @property
    def sweep(self) -> SweepSettings:
        """What is swept."""
        return self.scenario.sweep

    @property
    def has_sweep(self) -> bool:
        """Whether there is anything to sweep (a block that is there but empty is no sweep)."""
        return self.scenario.sweep != SweepSettings()


def load(
    path: Path | str, overrides: Sequence[str] = (), seed: int | None = None
) -> LoadedScenario:
    """Read a scenario file.

    Args:
        path: the file.
        overrides: texts `key.path=value`, as given to `--set`; later ones win.
        seed: takes the place of the scenario's own.

    Raises:
        ScenarioError: something in the file or the overrides is not accepted.
    """
    return from_mapping(read_mapping(Path(path)), str(path), overrides, seed)


def from_mapping(
    values: Mapping[str, Any],
    source: str,
    overrides: Sequence[str] = (),
    seed: int | None = None,
) -> LoadedScenario:
    """Do what `load` does with values that were read from `source` before."""
    given = [parse(text, source) for text in overrides]
    if seed is not None:
        given.append(Override(("seed",), seed))
    written = dict(values) if "name" in values else {"name": Path(source).stem, **values}
    swept = _first_swept_values(put(written, given, source))
    _refuse_to_set_what_is_swept(given, swept, source)
    taken_from_sweep: list[Override] = []
    while True:
        try:
            applied = apply(put(written, taken_from_sweep, source), given, Scenario, source)
        except ScenarioError as error:
            if split_key(error.key) in [override.path for override in taken_from_sweep]:
                raise ScenarioError(source, f"sweep.{error.key}", error.message) from None
            # A key that the sweep gives need not stand in its section too.
            section = error.key.rpartition(".")[0]
            given_there = [
                key for key in swept if key == error.key or f"{key}.".startswith(f"{section}.")
            ]
            if not given_there:
                raise
            taken_from_sweep += [Override(split_key(key), swept.pop(key)) for key in given_there]
        else:
            raw = {key: value for key, value in applied.values.items() if key != "sweep"}
            return LoadedScenario(applied.settings, raw, applied.dropped_keys, source)


def dump(scenario: Scenario) -> str:
    """Return the scenario as YAML with every default written out; it loads to an equal scenario.

    Of a section whose kind is swept only what was given is written: defaults differ by kind.
    """
    values = scenario.model_dump(mode="json")
    given = scenario.model_dump(mode="json", exclude_unset=True)
    for key in _first_swept_values(values):
        *section, last = split_key(key)
        if last == "kind":
            _replace(values, section, given)
    if scenario.sweep == SweepSettings():
        del values["sweep"]
    return write(values)


def _replace(values: dict[str, Any], section: Sequence[str], given: dict[str, Any]) -> None:
    """Replace one section by what was given of it, in place."""
    *above, name = section
    for part in above:
        values, given = values[part], given.get(part, {})
    values[name] = given.get(name, {})


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of scenario files, for editors.

    JSON has no infinity, so a default that is infinite is left out.
    """
    schema: dict[str, Any] = _without_infinite_defaults(Scenario.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _without_infinite_defaults(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: _without_infinite_defaults(part)
            for key, part in node.items()
            if not (isinstance(part, float) and math.isinf(part))
        }
    return [_without_infinite_defaults(part) for part in node] if isinstance(node, list) else node


def _first_swept_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first value of every swept key; what is no sweep is left to validation."""
    sweep = values.get("sweep")
    grid = sweep if isinstance(sweep, dict) else {}
    zipped = grid.get("zip", [])
    groups = [grid, *(zipped if isinstance(zipped, list) else [zipped])]
    return {
        key: choices[0]
        for group in groups
        if isinstance(group, dict)
        for key, choices in group.items()
        if key not in SweepSettings.model_fields and isinstance(choices, list) and choices
    }


def _refuse_to_set_what_is_swept(
    overrides: Sequence[Override], swept: Mapping[str, Any], source: str
) -> None:
    for override in overrides:
        for key in swept:
            if override.path[: len(split_key(key))] == split_key(key):
                message = f"is swept, so setting it changes nothing; use --set sweep.{key}=[...]"
                raise ScenarioError(source, key, message)
