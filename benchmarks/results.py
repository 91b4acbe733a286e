"""`benchmarks/RESULTS.md`: what benchmarks measured, a section each, written by themselves.

A benchmark replaces its own section and leaves the others as they are.
"""

import datetime
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

from experiment.manifest import processor_model
from experiment.staging import replace_text
from experiment.versions import versions

RESULTS = Path(__file__).with_name("RESULTS.md")
TITLE = "# Results"
INTRODUCTION = (
    "Written by the benchmarks themselves, each its own section. Speeds differ from machine to "
    "machine and with what else it does; the ratios of one section were measured side by side."
)
LIBRARIES = ("python", "numpy", "numba", "torch", "transformers", "simpy", "pandas", "pyarrow")


def write_section(name: str, lines: Sequence[str], command: str, path: Path = RESULTS) -> None:
    """Replace one section of the results, or add it after the others.

    Where, when and with what was measured is written above the lines.

    Args:
        name: of the section: one line.
        lines: Markdown without headings of the first or second level, outside of code blocks.
        command: what makes the section again.
        path: the file; made where it is not there.

    Raises:
        ValueError: the name or a line would begin another section.
        OSError: the file cannot be read or written.
    """
    if "\n" in name or not name.strip():
        raise ValueError(f"{name!r} is no name of a section; accepted: one line of text")
    text = "\n".join(lines)
    if re.search(r"^##? ", text, re.MULTILINE):
        raise ValueError(f"section {name}: a line begins with # or ##, which begins a section")
    sections = _sections(path.read_text(encoding="utf-8")) if path.exists() else {}
    sections[name] = f"{origin(command)}\n\n{text.strip()}"
    body = "\n\n".join(f"## {title}\n\n{section}" for title, section in sections.items())
    replace_text(path, f"{TITLE}\n\n{INTRODUCTION}\n\n{body}\n")


def origin(command: str) -> str:
    """Return in one paragraph how and where something is measured now."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    found = versions()
    used = ", ".join(f"{name} {found[name]}" for name in LIBRARIES if name in found)
    return f"`{command}` on {today}, on {machine()}; {used}."


def machine() -> str:
    """Return what this process may use of this machine: processor, cores, memory, system."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    plural = "" if cores == 1 else "s"
    return (
        f"{processor_model()} ({platform.machine()}, {cores} core{plural}), "
        f"{memory_bytes / 2**30:.0f} GiB, {platform.system()}"
    )


def _sections(text: str) -> dict[str, str]:
    """Return the sections of the file, in order."""
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    titled = (part.partition("\n") for part in parts)
    return {title.strip(): section.strip() for title, _, section in titled}
