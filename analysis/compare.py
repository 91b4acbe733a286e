"""Put runs side by side: `python -m analysis.compare DIR DIR ... [--out DIR]`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis import comparison, page, run_costs, tables, verdict
from analysis.comparison import FREQUENCY, Comparison, Difference
from analysis.errors import RecordsError
from analysis.figures import compared_runs
from analysis.intervals import Estimate
from analysis.metrics import HEADLINE
from analysis.numerals import count, percent_with_interval, with_interval

SHOWN = (HEADLINE, "hr@10", "mrr")
OUT = Path("comparison")

#: Files of results, which a comparison must not be written among.
RESULTS = ("summary.json", "sweep.parquet")


def write(compared: Comparison, directory: Path) -> Path:
    """Write `report.html` and `figures/` into `directory`, which is made; return the page's path.

    Raises:
        RecordsError: the directory holds a run or a sweep.
    """
    if any((directory / name).exists() for name in RESULTS):
        raise RecordsError(directory, "holds a result; give another directory to --out")
    figures = directory / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    drawing = compared_runs.draw(compared)
    drawing.save(figures)
    text = page.render(
        "compare.html.j2",
        title="Runs side by side",
        compared=compared,
        reports={run.label: _link(run.directory, directory) for run in compared.runs},
        sentences=[in_words(each, compared) for each in compared.differences],
        drawing=drawing,
        numbers=tables.of_texts(
            "Accuracy and requests of each run", *_texts(numbers(compared)), stacked=True
        ),
        differences=tables.of_texts(
            "Each run less the first", *_texts(differences(compared)), stacked=True
        ),
        unpaired=[each for each in compared.differences if each.unpaired],
        costs=run_costs.table(
            "What each run cost", {run.label: run.summary for run in compared.runs}
        ),
        settings=tables.of_texts("Settings that differ", *_texts(compared.settings)),
        versions=tables.of_texts("Versions and hashes", *_texts(compared.versions)),
    )
    path = directory / "report.html"
    page.write_whole(path, text)
    return path


def numbers(compared: Comparison) -> pd.DataFrame:
    """Return the table of the runs as text: a row per run."""
    return pd.DataFrame(
        [
            {
                "run": run.label,
                "users": count(len(run.by_user)),
                "interactions": count(run.by_user["interactions"].sum()),
                "requests": percent_with_interval(run.mean(FREQUENCY)),
                **{metric.upper(): with_interval(run.mean(metric)) for metric in SHOWN},
            }
            for run in compared.runs
        ]
    )


def differences(compared: Comparison) -> pd.DataFrame:
    """Return the table of the differences to the first run as text: a row per other run."""
    return pd.DataFrame(
        [
            {
                f"less {compared.runs[0].label}": each.run.label,
                "requests, points": _points(each.values[FREQUENCY]),
                **{
                    metric.upper(): with_interval(each.values[metric], signed=True)
                    for metric in SHOWN
                },
                f"{HEADLINE.upper()} is": verdict.in_word(each.values[HEADLINE]),
                "users": f"unpaired: {each.unpaired}" if each.unpaired else "paired",
            }
            for each in compared.differences
        ]
    )


def in_words(difference: Difference, compared: Comparison) -> str:
    """Return what the interval of a difference supports, in a sentence."""
    value = difference.values[HEADLINE]
    by = f"{with_interval(value, signed=True)} {HEADLINE.upper()}"
    how = (
        f"not paired, because of {difference.unpaired}"
        if difference.unpaired
        else f"paired on {count(len(difference.run.by_user))} users"
    )
    asked = _points(difference.values[FREQUENCY])
    return (
        f"{difference.run.label} less {compared.runs[0].label}: {by} ({how}), "
        f"{verdict.in_word(value)}; request frequency {asked} percentage points."
    )


def _points(difference: Estimate) -> str:
    """Return a difference of shares in percentage points."""
    low, high = (None if end is None else 100 * end for end in (difference.low, difference.high))
    return with_interval(Estimate(100 * difference.value, low, high), signed=True)


def _texts(frame: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    return [str(name) for name in frame.columns], frame.astype(str).to_numpy().tolist()


def _link(run: Path, directory: Path) -> str:
    """Return the address of a run's own report, seen from the comparison; empty without one."""
    report = run / "report.html"
    return Path(os.path.relpath(report, directory)).as_posix() if report.is_file() else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 for what the user can mend."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.compare",
        description="Put runs, or points of sweeps, side by side; the first is what the others "
        "are held against.",
    )
    parser.add_argument("directories", metavar="DIR", nargs="+", help="directory of a finished run")
    parser.add_argument("--out", metavar="DIR", type=Path, default=OUT, help="default: %(default)s")
    given = parser.parse_args(arguments)
    if len(given.directories) < 2:
        print("error: one directory is nothing to compare; give two or more", file=sys.stderr)
        return 2
    try:
        compared = comparison.read(given.directories)
        path = write(compared, given.out)
    except RecordsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename}: cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    for table in (numbers(compared), differences(compared)):
        print(table.to_string(index=False), end="\n\n")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
