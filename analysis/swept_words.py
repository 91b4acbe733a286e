"""Swept keys and their values in words: `models.llm.trained_until: 0.5` is a phrase, not a path."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml

#: Whose key it is, where its last part alone would not say so.
OWNERS = {
    "models.srm": "SRM",
    "models.llm": "LLM",
    "models.training.srm": "SRM",
    "models.training.llm": "LLM",
}

FUSIONS = {"1": "LLM only", "5": "SRM only", "learned": "learned fusion"}


def plain(value: Any) -> Any:
    """Return a value of `sweep.parquet` as it stood in the scenario.

    Values of several types share a column as text; mappings and lists among them are YAML. Keys
    that a mapping lacks, but others of its column have, are None there.
    """
    if isinstance(value, str) and value.startswith(("{", "[")):
        value = yaml.safe_load(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items() if is_given(inner)}
    if isinstance(value, list | np.ndarray):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return value if is_given(value) else None


def is_given(value: Any) -> bool:
    """Return whether a cell holds a value."""
    return value is not None and not (isinstance(value, float) and np.isnan(value))


def of_values(values: Mapping[str, Any]) -> str:
    """Return swept keys with their values as one phrase; empty where all go without saying."""
    return ", ".join(phrase for key, value in values.items() if (phrase := of_value(key, value)))


def of_value(key: str, value: Any) -> str:
    """Return one swept key with its value as a phrase."""
    value = plain(value)
    match key:
        case "models.fusion":
            return fusion(value)
        case "models.training.strategy":
            return _of_mapping(value)
        case "models.adaptation":
            return _adaptation(value)
        case "models.llm.trained_until":
            return _cut_off(value)
        case "workload":
            return _workload(value)
        case "workload.dataset":
            return str(value)
    section, _, name = key.rpartition(".")
    if isinstance(value, Mapping | list) and key.partition(".")[0] not in ("models", "policy"):
        return f"{name}: {_as_yaml(value)}"
    owner = OWNERS.get(section) or OWNERS.get(key, "")
    name = "" if name == "kind" or key in OWNERS else name.replace("_", " ")
    shown = _of_mapping(value) if isinstance(value, Mapping) else _of_number(value)
    if key == "policy":
        return shown
    return " ".join(part for part in (owner, name, shown) if part)


def shortened(phrases: Sequence[str], most: int) -> list[str]:
    """Return phrases of at most `most` characters, those that differ still different.

    What is too long loses its middle; where two would be the same then, each gets its number.
    """
    kept = (most - 1) // 2
    short = [
        phrase if len(phrase) <= most else f"{phrase[: most - 1 - kept]}…{phrase[-kept:]}"
        for phrase in phrases
    ]
    if len(set(short)) == len(set(phrases)):
        return short
    return [f"{i}: {phrase}"[:most] for i, phrase in enumerate(short, 1)]


def fusion(value: Any) -> str:
    """Return a fusion's name: variants 1 and 5 order a list by one model alone."""
    return FUSIONS.get(str(value), f"fusion {value}")


def _of_mapping(value: Any) -> str:
    """Return `kind (key value, key value)`."""
    if not isinstance(value, Mapping):
        return _of_number(value)
    kind = str(value.get("kind", "")).replace("_", " ")
    further = ", ".join(
        f"{key.replace('_', ' ')} {_of_mapping(inner)}"
        for key, inner in value.items()
        if key != "kind"
    )
    if kind and further:
        return f"{kind} ({further})"
    return kind or further


def _as_yaml(value: Any) -> str:
    """Return a mapping or a list on one line, as it could stand in a scenario."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=math.inf)
    return str(text).strip()


def _of_number(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return _as_yaml(value)
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def _adaptation(value: Any) -> str:
    kind = value.get("kind", "none") if isinstance(value, Mapping) else str(value)
    if kind == "none":
        return ""
    where = {"on_device": "on the device", "from_cloud": "from the cloud"}.get(kind, kind)
    further = {key: inner for key, inner in dict(value).items() if key != "kind"}
    interactions = further.pop("every_interactions", None)
    every = ""
    if interactions is not None:
        every = f" every {_of_number(interactions)} interactions"
        every = " every interaction" if interactions == 1 else every
    rest = _of_mapping(further)
    return f"re-trained {where}{every}" + (f" ({rest})" if rest else "")


def _cut_off(value: Any) -> str:
    if value is None:
        return "LLM without cut-off"
    try:
        share = float(value)
    except ValueError:
        return f"LLM knows until {value}"
    return f"LLM knows the first {100 * share:g}%"


def _workload(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    return str(value.get("dataset", "synthetic"))
