"""Settings that somebody gave and that change nothing, because of others: which, and why."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from experiment.idle_rules import RULES
from experiment.scenario import Scenario
from experiment.sections import sections
from sim.device.hardware import HardwareClass, known_classes
from sim.network.preset import EXPLICIT, PresetNetwork
from workloads.settings import Settings


def idle_settings(scenario: Scenario) -> dict[str, str]:
    """Return the dotted keys that were given and change nothing, and the reason of each.

    Only what was given counts. Where a section has every key written out, as in the resolved
    scenario of a run, that is what differs from the default; and beside the name of a preset or of
    a hardware class, what differs from the figures that the name stands for.
    """
    found: dict[str, str] = {}
    for path, section in sections(scenario):
        for rule in RULES:
            if not isinstance(section, rule.section):
                continue
            written = [key for key in rule.keys if key in section.model_fields_set]
            if written and rule.idle(section, scenario):
                usual = _usual(section)
                for key in written:
                    if key not in usual or getattr(section, key) != usual[key]:
                        found.setdefault(f"{path}{key}", rule.reason)
    return found


def idle_everywhere(scenarios: Sequence[Scenario]) -> dict[str, str]:
    """Return what `idle_settings` finds in all of some scenarios, with the reason in the first."""
    first, *others = map(idle_settings, scenarios)
    return {key: reason for key, reason in first.items() if all(key in other for other in others)}


def _usual(section: Settings) -> Mapping[str, Any]:
    """Return the values of a section that tell nothing about who wrote them down."""
    if isinstance(section, PresetNetwork) and section.preset != EXPLICIT:
        return _figures(section.preset)
    if isinstance(section, HardwareClass) and section.kind in known_classes():
        return dict(HardwareClass.model_validate({"kind": section.kind, "share": section.share}))
    if section.model_fields_set >= set(section.model_dump()):
        fields = type(section).model_fields
        return {key: field.get_default(call_default_factory=True) for key, field in fields.items()}
    return {}


@cache
def _figures(preset: str) -> Mapping[str, Any]:
    return dict(PresetNetwork.model_validate({"preset": preset}))
