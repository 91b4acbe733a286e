"""The short table that a run or a sweep ends with."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TextIO

from pandas import DataFrame
from rich.console import Console
from rich.table import Table

from experiment.sweep_points import SweepPoint, in_words

Summary = Mapping[str, Any]
METRICS = ("hr@10", "ndcg@10")
BASELINES = ("always", "never", "srm_full", "popularity")
SWEEP_COLUMNS = {
    "requests / interaction": "request_frequency",
    "response p95 (s)": "response_s.p95",
    "energy / device (J)": "energy_j.per_device",
    "cloud cost (USD)": "cloud.cost_usd",
}
PLAIN_WIDTH = 200


def console_for(stream: TextIO) -> Console:
    """Return a console on a stream: plain lines that are not wrapped where it is no terminal."""
    if stream.isatty():
        return Console(file=stream)
    return Console(file=stream, width=PLAIN_WIDTH, no_color=True)


def run_table(summary: Summary) -> Table:
    """Return the run's accuracy beside its baselines', with 95% intervals."""
    table = Table("", *(metric.upper() for metric in METRICS), box=None)
    blocks = {"this run": summary["accuracy"]}
    blocks |= {name: summary["baselines"][name] for name in BASELINES}
    for name, block in blocks.items():
        cells = [interval(block[metric]) if block else "-" for metric in METRICS]
        table.add_row(name, *cells)
    return table


def run_lines(summary: Summary) -> list[str]:
    """Return what the table does not say: size of the run, requests, response times and cost."""
    response = summary["response_s"] or {"p50": None, "p95": None}
    return [
        f"{summary['devices']:,} devices, {summary['interactions']:,} interactions, "
        f"{summary['requests']:,} requests "
        f"({number(summary['request_frequency'])} an interaction)",
        f"response time: median {number(response['p50'])} s, 95% below {number(response['p95'])} s",
        f"energy: {number(summary['energy_j']['per_device'])} J a device; "
        f"cloud: {number(summary['cloud']['cost_usd'])} USD",
    ]


def sweep_table(points: Sequence[SweepPoint], rows: DataFrame) -> Table:
    """Return a row for each point: what was asked of the cloud, and what it brought.

    Args:
        points: the sweep's points.
        rows: the table of `sweep.parquet`, a row a point in the same order.
    """
    table = Table("point", *(metric.upper() for metric in METRICS), *SWEEP_COLUMNS, box=None)
    for point, row in zip(points, rows.to_dict("records"), strict=True):
        accuracies = [_flat_interval(row, f"accuracy.{metric}") for metric in METRICS]
        figures = [number(row[column]) for column in SWEEP_COLUMNS.values()]
        table.add_row(in_words(point.values), *accuracies, *figures)
    return table


def _flat_interval(row: Mapping[Hashable, Any], prefix: str) -> str:
    low, high = row[f"{prefix}.ci95.low"], row[f"{prefix}.ci95.high"]
    known = low is not None and not math.isnan(low)
    return interval({"mean": row[f"{prefix}.mean"], "ci95": [low, high] if known else None})


def interval(estimate: Mapping[str, Any]) -> str:
    """Return an estimate as `0.1234 [0.1200, 0.1270]`."""
    mean, ci95 = estimate["mean"], estimate["ci95"]
    if mean is None or math.isnan(mean):
        return "-"
    return f"{mean:.4f}" + (f" [{ci95[0]:.4f}, {ci95[1]:.4f}]" if ci95 else "")


def number(value: float | None) -> str:
    """Return a figure with three significant digits, `-` where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.3g}"
