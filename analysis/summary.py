"""`summary.json`: the figures of one run, computed from its records."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.accuracy import Accuracies
from analysis.distributions import distribution
from analysis.intervals import Estimate
from analysis.metrics import METRICS
from analysis.record_totals import DISTRIBUTIONS, RecordTotals

BASELINES = (
    "popularity",
    "srm_full",
    "srm_only",
    "llm_only",
    "never",
    "always",
    "always_ideal",
)

Block = dict[str, Any]


@dataclass(frozen=True)
class Energy:
    """What all devices together used, in joules.

    Attributes:
        compute_j: scoring and training.
        radio_j: the radio, in all its states.
        idle_j: what the phones used besides while sessions lasted, whatever they computed and sent;
            None where nothing is known of it.
    """

    compute_j: float
    radio_j: float
    idle_j: float | None = None


@dataclass(frozen=True)
class CloudCapacity:
    """What of the cloud the records of requests do not hold.

    Attributes:
        simulated_s: length of the run in simulated seconds.
        price_usd_per_accelerator_hour: price of one accelerator, which a replica is, for an hour.
        on_s: for how long replicas were switched on, and paid for, summed over them.
        busy_s: for how long of this they worked.
        starting_s: for how long of this they started up.
        failed_s: for how long of this they were down.
        replicas_max: most replicas that were switched on together.
        batch_size_mean: attempts that were worked on together, in the mean of batches, or of the
            time in which replicas worked where batches change as they run; None where none was.
        energy_j: what their accelerators used; None where their power is not known.
        attempts: how many attempts arrived, and how they ended.
        prompt_tokens: tokens of the prompts that were served; 0 where they are not known.
        cached_tokens: how many of them a prefix cache held.
        queue_waits_s: float64, shape [attempts that entered service]; how long each was in a queue
            before.
    """

    simulated_s: float
    price_usd_per_accelerator_hour: float
    on_s: float
    busy_s: float
    starting_s: float = 0.0
    failed_s: float = 0.0
    replicas_max: int = 1
    batch_size_mean: float | None = None
    energy_j: float | None = None
    attempts: Mapping[str, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    queue_waits_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def summarise(
    *,
    scenario: str,
    seed: int,
    records: RecordTotals,
    accuracy_by_user: pd.DataFrame,
    energy: Energy,
    cloud: CloudCapacity,
    engine: Mapping[str, Any],
) -> Block:
    """Return the contents of `summary.json`, keys in the order of the output contract.

    Args:
        scenario: the scenario's name.
        seed: the simulation's seed.
        records: what `interactions.parquet` and `requests.parquet` add up to.
        accuracy_by_user: the frame of `analysis.accuracy.by_user`, with the series `run` and any
            of `BASELINES`; a baseline that is absent becomes null.
        energy: joules of all devices.
        cloud: what became of the replicas.
        engine: the block on the program itself (wall times and so on), written as it is given.

    Returns:
        Nested dictionaries of strings, ints, floats, lists and None: never NaN. Distributions of
        nothing are None.
    """
    accuracies = Accuracies(accuracy_by_user)
    summary: Block = _plain(
        {
            "scenario": scenario,
            "seed": seed,
            "devices": records.devices,
            "users": records.users,
            "interactions": records.interactions,
            "requests": records.requests,
            "request_frequency": _share(records.requests, records.interactions),
            "wanted_frequency": _share(records.wanted, records.consulted),
            "accuracy": accuracy_block(accuracies, "run"),
            "baselines": {
                name: accuracy_block(accuracies, name) if name in accuracies.series else None
                for name in BASELINES
            },
            "outcomes": records.outcomes,
            **{name: records.distribution(name) for name in DISTRIBUTIONS},
            "bytes": {"up": records.bytes_up, "down": records.bytes_down},
            "energy_j": {
                "compute": energy.compute_j,
                "radio": energy.radio_j,
                "total": energy.compute_j + energy.radio_j,
                "per_device": _share(energy.compute_j + energy.radio_j, records.devices),
                "idle": energy.idle_j,
            },
            "cloud": cloud_block(cloud),
            "engine": dict(engine),
        }
    )
    return summary


def accuracy_block(accuracies: Accuracies, series: str) -> Block:
    """Return {metric: {mean, ci95: [low, high] or None}} of one series, every metric in order."""
    return {metric: _with_ci95(accuracies.mean(series, metric)) for metric in METRICS}


def cloud_block(cloud: CloudCapacity) -> Block:
    """Return the cloud's load and cost, of all attempts.

    Replicas are paid for while they are switched on, busy or not. Waits are those of all attempts
    that entered service, whatever became of their requests.
    """
    queue_wait = distribution(cloud.queue_waits_s)
    hours = cloud.on_s / 3600.0
    return {
        "utilisation": _share(cloud.busy_s, cloud.on_s),
        "queue_wait_s": queue_wait and {key: queue_wait[key] for key in ("mean", "p95")},
        "batch_size_mean": cloud.batch_size_mean,
        "service_s_total": cloud.busy_s,
        "accelerator_hours": hours,
        "cost_usd": hours * cloud.price_usd_per_accelerator_hour,
        "energy_j": cloud.energy_j,
        "replicas": {
            "mean": _share(cloud.on_s, cloud.simulated_s),
            "max": cloud.replicas_max,
        },
        "starting_s": cloud.starting_s,
        "failed_s": cloud.failed_s,
        "attempts": dict(cloud.attempts),
        "prompt_tokens": cloud.prompt_tokens,
        "cached_tokens": cloud.cached_tokens,
    }


def to_json(summary: Mapping[str, Any]) -> str:
    """Return the text of `summary.json`: indented, floats at full precision, never NaN."""
    return json.dumps(_plain(summary), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def flatten(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the summary as one flat row, for a table of a sweep's points.

    Keys are joined by dots (`accuracy.ndcg@10.mean`), an interval becomes `.ci95.low` and
    `.ci95.high`, and a distribution of nothing becomes a NaN under each of its keys, so that every
    point has the same columns.
    """
    row: dict[str, Any] = {}
    _flatten_into(row, "", summary)
    return row


#: The keys of the block `adaptation`, which is null where weights do not change along the run.
_ADAPTATION = (
    "kind",
    "trainings",
    "skipped_for_budget",
    "skipped_while_training",
    "pushes",
    "parameter_bytes",
    "training_s",
    "training_energy_j",
    "adapted_interactions",
)


def _flatten_into(row: dict[str, Any], prefix: str, value: Any) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten_into(row, f"{prefix}.{key}" if prefix else str(key), inner)
    elif prefix.endswith(".ci95"):
        low, high = value or (math.nan, math.nan)
        row[f"{prefix}.low"], row[f"{prefix}.high"] = low, high
    elif value is None and prefix in DISTRIBUTIONS:
        row.update({f"{prefix}.{key}": math.nan for key in ("mean", "p50", "p95", "p99")})
    elif value is None and prefix == "adaptation":
        row.update(
            {f"{prefix}.{key}": "none" if key == "kind" else math.nan for key in _ADAPTATION}
        )
    elif value is None and prefix == "cloud.queue_wait_s":
        row.update({f"{prefix}.{key}": math.nan for key in ("mean", "p95")})
    elif value is None and prefix.startswith("baselines."):
        for metric in METRICS:
            row[f"{prefix}.{metric}.mean"] = math.nan
            _flatten_into(row, f"{prefix}.{metric}.ci95", None)
    else:
        row[prefix] = math.nan if value is None else value


def _with_ci95(estimate: Estimate) -> Block:
    interval = None if estimate.low is None else [estimate.low, estimate.high]
    return {"mean": estimate.value, "ci95": interval}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _plain(value: Any) -> Any:
    """Return `value` with plain Python types only, and None for what is not a finite number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
