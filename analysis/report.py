"""Make the report of a directory from the records in it: `python -m analysis.report DIR`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import run_report, sweep_records, sweep_report
from analysis.errors import RecordsError
from analysis.metrics import HEADLINE, METRICS


def write(directory: str | Path, metric: str = HEADLINE, *, png: bool = True) -> Path:
    """Write `report.html` and `figures/` from a directory's records; return the page's path.

    A directory with a `sweep.parquet` is a sweep's, whose trade-off is told by `metric`; any other
    is one run's.

    Args:
        directory: holds the records.
        metric: the accuracy that a sweep's trade-off is told by.
        png: draw a run's figures as PNG files too, beside SVG; they take most of its time.

    Raises:
        RecordsError: if the records are missing or malformed.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise RecordsError(directory, "no such directory; give one that a run or sweep wrote")
    if sweep_records.is_sweep(directory):
        return sweep_report.write(directory, metric)
    return run_report.write(directory, png=png)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 for what the user can mend."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.report",
        description="Make a run's or sweep's report again from the records in its directory.",
    )
    parser.add_argument("directory", metavar="DIR", help="directory of a finished run or sweep")
    parser.add_argument(
        "--metric",
        choices=METRICS,
        default=HEADLINE,
        help="the accuracy that a sweep's trade-off is told by (default: %(default)s)",
    )
    given = parser.parse_args(arguments)
    try:
        path = write(given.directory, given.metric)
    except RecordsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename}: cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
