"""What was to go wrong in a run, and when: shaded in its time lines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.axes import Axes

from analysis import theme
from analysis.numerals import percent
from analysis.records import RunRecords

OF_CLOUD = ("outages", "crashes", "slow_replicas")
OF_LINKS = ("coverage_losses", "degradations")
KINDS = (*OF_CLOUD, *OF_LINKS)

#: Of a fault's name in a figure, as a share of the time axis: 9 pt on nearly the whole width.
CHARACTER_WIDTH = 0.0175


@dataclass(frozen=True)
class Fault:
    """One thing that went wrong.

    Attributes:
        kind: its key in the scenario's section `faults`.
        name: what it is called in a figure.
        effect: whom it hits and how hard, in words.
        start_s, end_s: when, in simulated time; cut at the end of the run.
    """

    kind: str
    name: str
    start_s: float
    end_s: float
    effect: str = ""


def of_cloud(records: RunRecords) -> list[Fault]:
    """Return the scheduled faults of the cloud that began within the run, in order of time."""
    return _faults(records, OF_CLOUD)


def of_links(records: RunRecords) -> list[Fault]:
    """Return the faults of links that began within the run, in order of time."""
    return _faults(records, OF_LINKS)


def of_run(records: RunRecords) -> list[Fault]:
    """Return all scheduled faults that began within the run: those of the cloud, then of links."""
    return of_cloud(records) + of_links(records)


def after_end(records: RunRecords) -> list[Fault]:
    """Return the scheduled faults that were to begin at or after the end of the run, in order."""
    return [fault for fault in _scheduled(records, KINDS) if fault.start_s >= records.simulated_s]


def shade(axes: Sequence[Axes], faults: Sequence[Fault], unit_s: float, end_s: float) -> int:
    """Shade faults in axes over time and name them at the top of the first.

    Names that would touch stand below one another.

    Args:
        axes: below one another, sharing their time.
        faults: what to shade.
        unit_s: seconds of one unit of the time axis.
        end_s: where that axis ends.

    Returns:
        How many rows of names there are.
    """
    rows: list[list[tuple[float, float]]] = []
    for fault in faults:
        start, end = fault.start_s / unit_s, fault.end_s / unit_s
        for each in axes:
            each.axvspan(start, end, color=theme.colour("grey"), alpha=0.22, linewidth=0, zorder=0)
        row = _row(rows, (fault.start_s + fault.end_s) / 2 / end_s, len(fault.name))
        axes[0].annotate(
            fault.name,
            ((start + end) / 2, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, -3 - 11 * row),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=9,
        )
    return len(rows)


def _row(rows: list[list[tuple[float, float]]], middle: float, characters: int) -> int:
    """Take the first row in which a name has room, or a further one; positions are shares."""
    half = CHARACTER_WIDTH * (characters + 1) / 2
    left, right = middle - half, middle + half
    for number, taken in enumerate(rows):
        if all(right < other_left or left > other_right for other_left, other_right in taken):
            taken.append((left, right))
            return number
    rows.append([(left, right)])
    return len(rows) - 1


def _faults(records: RunRecords, kinds: Sequence[str]) -> list[Fault]:
    end_s = records.simulated_s
    return [
        replace(fault, end_s=min(fault.end_s, end_s))
        for fault in _scheduled(records, kinds)
        if fault.start_s < end_s
    ]


def _scheduled(records: RunRecords, kinds: Sequence[str]) -> list[Fault]:
    section: Mapping[str, Any] = records.scenario.get("faults") or {}
    faults = [
        Fault(kind, _name(kind, given), *_window(given), _effect(kind, given))
        for kind in kinds
        for given in section.get(kind) or ()
    ]
    return sorted(faults, key=lambda fault: fault.start_s)


def _window(given: Mapping[str, Any]) -> tuple[float, float]:
    start_s = float(given.get("start_s", given.get("at_s", 0.0)))
    lasts_s = given.get("duration_s", given.get("down_s"))
    return start_s, start_s + (math.inf if lasts_s is None else float(lasts_s))


def _name(kind: str, given: Mapping[str, Any]) -> str:
    replica = f"replica {given.get('replica', 0)}"
    return {
        "outages": "outage",
        "crashes": f"{replica} down",
        "slow_replicas": f"{replica} slow",
        "coverage_losses": "no coverage",
        "degradations": "links degraded",
    }[kind]


def _effect(kind: str, given: Mapping[str, Any]) -> str:
    if kind == "slow_replicas":
        return f"{given.get('factor', 2.0):g} times as slow"
    if kind not in OF_LINKS:
        return _of_work(given)
    parts = [_whom(given)]
    if (factor := given.get("bandwidth_factor", 1.0)) != 1:
        parts.append(f"bandwidth times {factor:g}")
    if extra_s := given.get("extra_rtt_s"):
        parts.append(f"round trips {extra_s:g} s longer")
    return ", ".join(parts)


def _whom(given: Mapping[str, Any]) -> str:
    for one, several in (("region", "regions"), ("cell", "cells")):
        if hit := given.get(several):
            numbers = ", ".join(str(each) for each in hit)
            return f"devices of {one if len(hit) == 1 else several} {numbers}"
    share = given.get("share", 1.0)
    return "all devices" if share == 1 else f"{percent(share)} of devices"


def _of_work(given: Mapping[str, Any]) -> str:
    """Return how a cloud or replica that is away behaves, as far as it is given."""
    behaviour = {"refuse": "refuses requests", "silent": "does not answer"}
    of_work = {
        "lost": "its work is lost",
        "kept": "its work is kept",
        "retried": "its work is retried",
    }
    told = [behaviour.get(str(given.get("behaviour"))), of_work.get(str(given.get("work")))]
    return ", ".join(each for each in told if each)
