"""The load on one run's cloud over its time."""

import numpy as np
import pandas as pd

from analysis.records import RunRecords
from analysis.timeline import cloud_over_time


def replicas(records: RunRecords) -> float:
    """Return how many replicas served: busy time / (utilisation x simulated time); 0 if unused."""
    cloud = records.summary["cloud"]
    capacity_s = (cloud["utilisation"] or 0.0) * records.summary["engine"]["simulated_s"]
    return float(cloud["service_s_total"] / capacity_s) if capacity_s else 0.0


def over_time(records: RunRecords) -> pd.DataFrame | None:
    """Return `timeline.cloud_over_time` of a run; None where its cloud never served anything."""
    serving = replicas(records)
    if not serving:
        return None
    simulated_s = float(records.summary["engine"]["simulated_s"])
    return cloud_over_time(records.requests, simulated_s, serving)


def share_arriving_saturated(records: RunRecords, saturated: float) -> float:
    """Return the share of arriving requests that came in a bin busier than `saturated`."""
    table = over_time(records)
    arrived = records.requests["arrived_cloud_s"].dropna().to_numpy(dtype=np.float64)
    if table is None or not len(arrived):
        return 0.0
    found = np.searchsorted(table["end_s"].to_numpy(), arrived, side="right")
    busy = table["utilisation"].to_numpy()[np.minimum(found, len(table) - 1)]
    return float((busy > saturated).mean())
