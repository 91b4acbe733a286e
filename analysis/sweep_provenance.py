"""How a sweep was run: what its points' manifests have in common, and what differs."""

import shlex
from pathlib import Path
from typing import Any

from analysis.sweep_records import SweepRecords

#: So many different values of one entry are told before their number is.
MOST_TOLD = 4

GROUPS = (("Seeds", "seeds"), ("Versions", "versions"), ("Content hashes", "hashes"))


def command(sweep: SweepRecords) -> str:
    """Return the command that made the sweep; from Python, one that would."""
    words = [str(word) for word in _manifests(sweep)[0].get("command_line") or ()]
    if words and Path(words[0]).name == "run_sim.py":
        words = words[1:]
    return shlex.join(["python", "run_sim.py", *(words or ["scenario.yaml"])])


def groups(sweep: SweepRecords) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return (title, entries) of what was run: one value, or those that differ from run to run."""
    manifests = _manifests(sweep)
    found = []
    for title, key in (*GROUPS, ("Processor", "processor")):
        blocks = [manifest.get(key) or {} for manifest in manifests]
        names = dict.fromkeys(name for block in blocks for name in block)
        entries = [(str(name), _values([block.get(name) for block in blocks])) for name in names]
        if entries:
            found.append((title, entries))
    return found


def _values(values: list[Any]) -> str:
    told = list(dict.fromkeys(str(value) for value in values if value is not None))
    if len(told) <= MOST_TOLD:
        return ", ".join(told)
    return f"{len(told)} different ones, in each run's manifest.json"


def _manifests(sweep: SweepRecords) -> list[dict[str, Any]]:
    return [sweep.manifest(str(point)) for point in sweep.points["id"]]
