"""The cloud over simulated time: queue length, utilisation and the outcomes of requests."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.summary import OUTCOMES, service_s

#: Widths that a bin of simulated time may have, in seconds: those that a reader can name.
BIN_WIDTHS_S = (
    0.1,
    0.5,
    1,
    2,
    5,
    10,
    15,
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


def cloud_over_time(requests: pd.DataFrame, simulated_s: float, replicas: float) -> pd.DataFrame:
    """Return the cloud's mean queue length and utilisation in each bin of simulated time.

    A request is in the queue from its arrival at the cloud to the start of its service, or to the
    end of the run if it was accepted and never served. A batch of n requests occupies one replica,
    so each of its requests occupies 1/n of one.

    Returns:
        A row per bin: `start_s`, `end_s`, `queue_length` (requests waiting, time average),
        `utilisation` (busy replicas / replicas, time average).
    """
    edges = bin_edges(simulated_s)
    width_s = np.diff(edges)
    arrived = requests["arrived_cloud_s"].to_numpy(dtype=np.float64)
    start = requests["service_start_s"].to_numpy(dtype=np.float64)
    rejected = (requests["outcome"].astype(str) == "rejected").to_numpy()
    queued = ~np.isnan(arrived) & ~(rejected & np.isnan(start))
    left = np.where(np.isnan(start), simulated_s, start)[queued]
    waiting_s = overlap(arrived[queued], left, np.ones(len(left)), edges)
    served = ~np.isnan(start)
    batch_size = requests["batch_size"].to_numpy(dtype=np.float64, na_value=np.nan)[served]
    end = start[served] + service_s(requests, simulated_s)[served]
    busy_s = overlap(start[served], end, 1.0 / batch_size, edges)
    return pd.DataFrame(
        {
            "start_s": edges[:-1],
            "end_s": edges[1:],
            "queue_length": np.maximum(waiting_s, 0.0) / width_s,
            "utilisation": np.maximum(busy_s, 0.0) / (width_s * replicas),
        }
    )


def outcomes_over_time(requests: pd.DataFrame, simulated_s: float) -> pd.DataFrame:
    """Return how many requests sent in each bin of simulated time ended in each outcome.

    Returns:
        A row per bin: `start_s`, `end_s`, and a count per outcome.
    """
    edges = bin_edges(simulated_s)
    sent = requests["sent_s"].to_numpy(dtype=np.float64)
    outcome = requests["outcome"].astype(str).to_numpy()
    counts = {name: np.histogram(sent[outcome == name], edges)[0] for name in OUTCOMES}
    bounds = {"start_s": edges[:-1], "end_s": edges[1:]}
    return pd.DataFrame({**bounds, **counts})


def _ramps(
    start: NDArray[np.float64], weight: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sum over intervals of weight * max(0, edge - start), for each edge."""
    order = np.argsort(start, kind="stable")
    position = np.searchsorted(start[order], edges)
    weights = np.concatenate([[0.0], np.cumsum(weight[order])])
    moments = np.concatenate([[0.0], np.cumsum(weight[order] * start[order])])
    return np.asarray(edges * weights[position] - moments[position], dtype=np.float64)
