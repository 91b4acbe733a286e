"""What was simulated, one line each, in the words of the scenario."""

from collections.abc import Collection, Mapping
from typing import Any

from analysis.numerals import count, seconds
from analysis.records import RunRecords

#: Keys whose values name what the section describes; they come first and without the key.
NAMING = ("kind", "preset", "mode", "distribution")


def lines(records: RunRecords) -> list[tuple[str, str]]:
    """Return (what, in one line): devices, data, network, cloud, models, policy, serving."""
    summary, manifest = records.summary, records.manifest
    name, of_models = models(manifest["models"])
    fusion = records.scenario.get("models", {}).get("fusion", 3)
    return [
        (
            "Devices",
            f"{count(summary['devices'])}, replaying {count(summary['users'])} users; "
            f"{count(summary['interactions'])} interactions in "
            f"{seconds(summary['engine']['simulated_s'])} of simulated time",
        ),
        data(manifest["workload"]),
        ("Split", str(manifest["workload"]["split_description"])),
        (name, f"{of_models}, fusion {fusion}"),
        *world(records.scenario),
    ]


def data(workload: Mapping[str, Any]) -> tuple[str, str]:
    """Return the line on the data, from the manifest's `workload`."""
    return (
        "Data",
        f"{workload['name']}: {count(workload['users'])} users, {count(workload['items'])} "
        f"items, {count(workload['interactions'])} interactions",
    )


def models(cards: Mapping[str, Any]) -> tuple[str, str]:
    """Return the line on the models, from the manifest's `models`."""
    return (
        "Models",
        f"SRM {cards['srm']['kind']} ({count(cards['srm']['parameters'])} parameters) on the "
        f"device, LLM {cards['llm']['kind']} ({count(cards['llm']['parameters'])} parameters) in "
        f"the cloud",
    )


def world(scenario: Mapping[str, Any], without: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return the lines on policy, serving, network and cloud; not those that `without` names."""
    sections = {
        "policy": scenario.get("policy", {}),
        "serving": _without(scenario.get("serving", {}), "payload"),
        "network": _without(scenario.get("network", {}), "source"),
        "cloud": scenario.get("cloud", {}),
    }
    changing = {key.partition(".")[0] for key in without}
    return [
        (name.capitalize(), in_words(section))
        for name, section in sections.items()
        if name not in changing
    ]


def in_words(section: Mapping[str, Any]) -> str:
    """Return a section of the scenario on one line: `service time (fixed, 0.9 s), replicas 2`."""
    parts = []
    for key, value in sorted(section.items(), key=lambda pair: pair[0] not in NAMING):
        if value is None or value == "":
            continue
        name = key.replace("_", " ")
        if isinstance(value, Mapping):
            inner = in_words(value)
            parts.append(f"{name} ({inner})" if inner else name)
        elif key in NAMING:
            if value != "preset":
                parts.append(str(value))
        else:
            parts.append(_quantity(name, value))
    return ", ".join(parts)


def _quantity(name: str, value: Any) -> str:
    """Return a named value; a unit that ends the name moves behind the value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name} {value}"
    if name == "seconds":
        return f"{value:g} s"
    words, _, unit = name.rpartition(" ")
    if unit == "s" and words:
        return f"{words} {value:g} s"
    if unit == "bps" and words:
        return f"{words} {value / 1e6:g} Mbit/s"
    return f"{name} {value:,}" if isinstance(value, int) else f"{name} {value:g}"


def _without(section: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in keys}
