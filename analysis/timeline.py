"""The cloud over simulated time: queue length, utilisation and the outcomes of requests."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.outcomes import OUTCOMES
from analysis.stored_columns import Columns

#: Widths that a bin of simulated time may have, in seconds: those that a reader can name.
BIN_WIDTHS_S = (
    0.1,
    0.5,
    1,
    2,
    5,
    10,
    15,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    21600,
    86400,
)


def unit_of_time(simulated_s: float) -> tuple[str, float]:
    """Return the unit of a run's time axes and its length in seconds."""
    return ("min", 60.0) if simulated_s >= 600 else ("s", 1.0)


def bin_edges(simulated_s: float, at_most: int = 80) -> NDArray[np.float64]:
    """Return the edges, in seconds, of at most `at_most` bins of a width one can name.

    The last bin ends with the run. It is up to half a width longer than the others, so that none
    is too short to average over.
    """
    width = next((w for w in BIN_WIDTHS_S if simulated_s / w <= at_most), simulated_s / at_most)
    bins = max(1, math.floor(simulated_s / width + 0.5))
    edges = np.arange(bins + 1, dtype=np.float64) * float(width)
    edges[-1] = simulated_s
    return edges


def overlap(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    weight: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return, for each bin, the weighted seconds that the intervals [start, end) spend in it.

    The integral up to time x of one interval is max(0, x - start) - max(0, x - end); summed over
    sorted starts and ends it needs one pass, and its differences between edges are exact.
    """
    return np.diff(_ramps(start, weight, edges) - _ramps(end, weight, edges))


def cloud_over_time(
    arrived_s: NDArray[np.float64],
    ended_s: Mapping[str, NDArray[np.float64]],
    works: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]],
    simulated_s: float,
) -> pd.DataFrame:
    """Return what went on in the cloud in each bin of simulated time.

    An attempt is in the cloud from its arrival to its end, however it ends, and waits there unless
    a replica works on it. So the mean number that waits is the mean number in the cloud less that
    in service, both time averages over the bin and exact.

    Args:
        arrived_s: float64, shape [attempts]; when attempts arrived.
        ended_s: when they ended, by how.
        works: starts, ends and numbers of attempts of what replicas worked on, shape [works] each.
        simulated_s: length of the run.

    Returns:
        A row per bin: `start_s`, `end_s`, `waiting` (attempts, time average), `busy_replicas` (time
        average), `arrived` (attempts), and the attempts that ended in each way.
    """
    edges = bin_edges(simulated_s)
    width_s = np.diff(edges)
    ended = np.concatenate([np.zeros(0), *ended_s.values()])
    in_cloud_s = np.diff(_ramps(arrived_s, np.ones(len(arrived_s)), edges))
    in_cloud_s -= np.diff(_ramps(ended, np.ones(len(ended)), edges))
    start, end, attempts = works
    in_service_s = overlap(start, end, attempts.astype(np.float64), edges)
    busy_s = overlap(start, end, np.ones(len(start)), edges)
    return pd.DataFrame(
        {
            "start_s": edges[:-1],
            "end_s": edges[1:],
            "waiting": _not_below_zero((in_cloud_s - in_service_s) / width_s),
            "busy_replicas": _not_below_zero(busy_s / width_s),
            "arrived": np.histogram(arrived_s, edges)[0],
            **{name: np.histogram(times_s, edges)[0] for name, times_s in ended_s.items()},
        }
    )


def _not_below_zero(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take away what is left of rounding: an empty queue has 0 in it, not 1e-12."""
    return np.where(values < 1e-9, 0.0, values)


def mean_over_time(
    time_s: NDArray[np.float64], value: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the time average in each bin of a value that changes in steps.

    Args:
        time_s: float64, shape [changes]; ascending from 0.
        value: shape [changes]; from each time to the next one.
        edges: float64, shape [bins + 1].
    """
    until_s = np.append(time_s[1:], max(edges[-1], time_s[-1]))
    held_s = overlap(time_s, until_s, value.astype(np.float64), edges)
    return np.asarray(held_s / np.diff(edges), dtype=np.float64)


def outcomes_over_time(requests: Columns, simulated_s: float) -> pd.DataFrame:
    """Return how many requests sent in each bin of simulated time ended in each outcome.

    Returns:
        A row per bin: `start_s`, `end_s`, a count per outcome, and `attempts_mean`, the mean
        attempts of a request (NaN where none was sent).
    """
    edges = bin_edges(simulated_s)
    sent = requests["sent_s"].to_numpy(dtype=np.float64)
    outcome = requests["outcome"]
    counts = {
        name: np.histogram(sent[(outcome == name).to_numpy(dtype=np.bool_)], edges)[0]
        for name in OUTCOMES
    }
    bounds = {"start_s": edges[:-1], "end_s": edges[1:]}
    total = sum(counts.values(), np.zeros(len(edges) - 1))
    attempts = np.histogram(sent, edges, weights=requests["attempts"].to_numpy(np.float64))[0]
    mean = np.divide(attempts, total, out=np.full(len(total), np.nan), where=total > 0)
    return pd.DataFrame({**bounds, **counts, "attempts_mean": mean})


def _ramps(
    start: NDArray[np.float64], weight: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sum over intervals of weight * max(0, edge - start), for each edge."""
    order = np.argsort(start, kind="stable")
    position = np.searchsorted(start[order], edges)
    weights = np.concatenate([[0.0], np.cumsum(weight[order])])
    moments = np.concatenate([[0.0], np.cumsum(weight[order] * start[order])])
    return np.asarray(edges * weights[position] - moments[position], dtype=np.float64)
