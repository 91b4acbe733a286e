"""What runs cost, side by side: requests, bytes, energy, and the cloud's time and price."""

from collections.abc import Callable, Mapping
from typing import Any

from analysis import tables
from analysis.numerals import NOTHING, count, percent, scaled, seconds, significant
from analysis.tables import Table


def table(label: str, blocks: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return a row for each kind of cost and a column for each run.

    Args:
        label: what the table holds.
        blocks: by the name of its column, a run's `summary.json` or a world of
            `baseline_worlds.json`.
    """
    rows = [
        [name, *(show(_at(block, path)) for block in blocks.values())] for name, path, show in ROWS
    ]
    return tables.of_texts(label, ("", *blocks), rows)


def _hours(value: float | None) -> str:
    return seconds(None if value is None else 3600 * value)


def _dollars(value: float | None) -> str:
    return NOTHING if value is None else f"${significant(value)}"


#: What is told: its name, where it stands in the block, and how it is written.
ROWS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("Requests", "requests", count),
    ("Requests / interactions", "request_frequency", percent),
    ("Median response time", "response_s.p50", seconds),
    ("95th percentile of response time", "response_s.p95", seconds),
    ("Sent by devices", "bytes.up", lambda value: scaled(value, "B")),
    ("Received by devices", "bytes.down", lambda value: scaled(value, "B")),
    ("Energy per device", "energy_j.per_device", lambda value: scaled(value, "J")),
    ("Replicas busy", "cloud.utilisation", percent),
    ("Mean wait in the cloud's queue", "cloud.queue_wait_s.mean", seconds),
    ("Requests per batch", "cloud.batch_size_mean", significant),
    ("Accelerator time, busy or not", "cloud.accelerator_hours", _hours),
    ("Price", "cloud.cost_usd", _dollars),
)


def _at(block: Mapping[str, Any], path: str) -> Any:
    value: Any = block
    for key in path.split("."):
        if not isinstance(value, Mapping) or value.get(key) is None:
            return None
        value = value[key]
    return value
