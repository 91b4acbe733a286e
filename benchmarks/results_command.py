"""What commands do that measure something and write a section of the results."""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.results import write_section
from experiment.directories import Directories
from experiment.scenario_error import ScenarioError
from models.errors import ModelError
from workloads.errors import WorkloadError


def whole_number(text: str) -> int:
    """Read an option that is a whole number of at least 1.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def results_file(text: str) -> Path | None:
    """Read an option that names the file of results, or `none`."""
    return None if text == "none" else Path(text)


def tell(
    section: str,
    command: Sequence[str],
    out: Path | None,
    cache: Path | None,
    measure: Callable[[Path], list[str]],
) -> int:
    """Measure, print what was found, and write it; return the exit status.

    Args:
        section: of the results.
        command: what makes the section again, word by word.
        out: the file of results; None: it is only printed.
        cache: keeps the weights; None: that of the environment.
        measure: returns the section's lines, given the directory that keeps the weights.
    """
    try:
        directories = Directories(None, cache or Directories.from_environment().cache)
        directories.make_cache()
        found = measure(directories.absolute().cache)
        print("\n".join(found))
        if out is not None:
            write_section(section, found, shlex.join(command), out)
            print(f"\nwritten to {out}")
    except (ModelError, WorkloadError, ScenarioError) as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{error.filename or out}: {error.strerror}")
    return 0


def fail(message: str) -> int:
    """Print one line on what went wrong and return the exit status."""
    print("error:", " ".join(message.split()), file=sys.stderr)
    return 2
