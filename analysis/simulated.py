"""What was simulated, one line each, in the words of the scenario."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from analysis import faults
from analysis.numerals import count, percent, seconds
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
        *_faults(records),
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
        "serving": _serving(scenario.get("serving", {})),
        "network": _network(scenario.get("network", {})),
        "phones": _phones(scenario.get("devices", {})),
        "cloud": _cloud(scenario.get("cloud", {})),
    }
    changing = {key.partition(".")[0] for key in without}
    starts = _starts(scenario.get("workload", {})) if "workload" not in changing else ""
    return [
        *([("Sessions", starts)] if starts else []),
        *(
            (name.capitalize(), in_words(section))
            for name, section in sections.items()
            if section and name not in changing and not (name == "phones" and "devices" in changing)
        ),
    ]


def _starts(workload: Mapping[str, Any]) -> str:
    """Tell of a burst of sessions; empty where devices start uniformly over a while."""
    start = workload.get("start")
    if not isinstance(start, Mapping) or start.get("kind") != "burst":
        return ""
    told = f"{percent(start.get('share', 1.0))} of devices start in a burst at {start['at_s']:g} s"
    if start.get("clock_skew_s"):
        told += f", as far as their clocks agree (standard deviation {start['clock_skew_s']:g} s)"
    if start.get("share", 1.0) < 1:
        told += f"; the others uniformly within {start['spread_s']:g} s"
    return told


def _serving(section: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is switched off, and sizes of messages."""
    said = _without(section, "payload")
    if section.get("mode") == "stale":
        said.pop("deadline_s", None)
    if section.get("retry", {}).get("attempts", 1) == 1:
        said.pop("retry", None)
    if section.get("circuit_breaker", {}).get("failures") is None:
        said.pop("circuit_breaker", None)
    if section.get("no_coverage") == "wait":
        said.pop("no_coverage")
    return said


def _network(section: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the source, packets, and loss where nothing is lost; tell what regimes are."""
    said = _without(section, "source", "framing")
    if not section.get("loss", {}).get("probability"):
        said.pop("loss", None)
    if "regimes" in section:
        regimes = (_regime(name, regime) for name, regime in section["regimes"].items())
        said = {"kind": section.get("kind"), "regimes": ", ".join(regimes)}
        if section.get("markov"):
            mean_s = section["markov"]["mean_s"]
            said["mean stay"] = {name: f"{stay_s:g} s" for name, stay_s in mean_s.items()}
        if section.get("schedule"):
            said["schedule"] = _schedule(section["schedule"])
        if section.get("schedules"):
            said["schedules"] = "; ".join(
                f"{name} ({_followers(each)}): {_schedule(each['schedule'])}"
                for name, each in section["schedules"].items()
            )
    return said


def _followers(each: Mapping[str, Any]) -> str:
    """Return who follows a schedule: a share of the devices, or hardware classes."""
    if each.get("device_class"):
        named = each["device_class"]
        kinds = [named] if isinstance(named, str) else named
        return f"{'class' if len(kinds) == 1 else 'classes'} {', '.join(kinds)}"
    return f"{percent(each['share'])} of devices"


def _regime(name: str, regime: Mapping[str, Any]) -> str:
    """Return a regime's name, and its preset or figures and its loss, where it has them."""
    figures = ("down_bps", "up_bps", "rtt_s")
    link = {"preset": regime.get("preset")}
    if not link["preset"]:
        link = {key: regime[key] for key in figures if key in regime}
    if lost := (regime.get("loss") or {}).get("probability"):
        link["loss"] = percent(lost)
    inner = in_words(link)
    return f"{name} ({inner})" if inner else name


def _schedule(changes: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{change['regime']} from {change['at_s']:g} s" for change in changes)


def _phones(section: Mapping[str, Any]) -> dict[str, Any]:
    """Tell classes, batteries and absences; nothing where all phones are alike and always on."""
    said: dict[str, Any] = {}
    if section.get("classes"):
        said["classes"] = ", ".join(
            f"{each['kind']} {percent(each['share'])}" for each in section["classes"]
        )
    said |= {name: section.get(name) for name in ("battery", "availability", "churn")}
    return said if any(said.values()) else {}


def _cloud(section: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is switched off, and figures that only the resolved scenario needs."""
    said = _without(section, "power")
    for name in ("autoscaling", "prefix_cache"):
        of_it = section.get(name, {})
        if of_it.get("kind") == "none" or of_it.get("memory_bytes") == 0:
            said.pop(name, None)
    for name, usual in (("order", "arrival"), ("drop_expired", False)):
        if section.get(name) == usual:
            said.pop(name)
    if section.get("routing", {}).get("kind") == "shared":
        said.pop("routing")
    service_time = section.get("service_time", {})
    if "served_model" in service_time:
        known = ("parameters", "prompt_tokens", "output_tokens")
        model = {name: service_time["served_model"].get(name) for name in known}
        said["service_time"] = {**service_time, "served_model": model}
    if service_time.get("kind") == "profile":
        said["service_time"] = _measured(service_time)
    return said


def _measured(service_time: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of a measured profile what is off, and the cap on prompts that do not grow."""
    said = dict(service_time)
    if not said.get("extrapolate"):
        said.pop("extrapolate", None)
    request = said.get("request") or {}
    if request and request.get("tokens_per_interaction") is None:
        said["request"] = _without(request, "max_prompt_tokens")
    return said


def _faults(records: RunRecords) -> list[tuple[str, str]]:
    told = [
        f"{fault.name} from {seconds(fault.start_s)} to {seconds(fault.end_s)}"
        + (f" ({fault.effect})" if fault.effect else "")
        for fault in faults.of_run(records)
    ]
    end = f"{count(records.simulated_s)} s"
    told += [
        f"{fault.name} at {count(fault.start_s)} s lies after the end, {end}"
        for fault in faults.after_end(records)
    ]
    chance = (records.scenario.get("faults") or {}).get("random_crashes") or {}
    if math.isfinite(float(chance.get("mean_time_between_s", math.inf))):
        told.append(
            f"a replica crashes every {seconds(chance['mean_time_between_s'])} in the mean and is "
            f"down for {seconds(chance['mean_down_s'])}"
        )
    return [("Faults", "; ".join(told))] if told else []


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
