"""The load on one run's cloud over its time."""

import numpy as np
import pandas as pd

from analysis.records import RunRecords
from analysis.timeline import mean_over_time

#: A cloud that is busier than this share of the time is saturated: its queue grows with the run.
SATURATED = 0.95


def over_time(records: RunRecords) -> pd.DataFrame | None:
    """Return the cloud's load in each bin of simulated time.

    Returns:
        The rows of `cloud_load.parquet` with `replicas_on` and `replicas_serving` (time averages)
        and `utilisation` (busy replicas / replicas switched on); None where no replica ever worked.
    """
    load, cloud = records.cloud_load, records.cloud
    if not load["busy_replicas"].any():
        return None
    edges = np.append(load["start_s"].to_numpy(), load["end_s"].to_numpy()[-1])
    time_s = cloud["time_s"].to_numpy(dtype=np.float64)
    on, serving = (
        mean_over_time(time_s, cloud[name].to_numpy(), edges)
        for name in ("replicas_on", "replicas_serving")
    )
    busy = load["busy_replicas"].to_numpy()
    used = np.divide(busy, on, out=np.zeros(len(on)), where=on > 0)
    return load.assign(replicas_on=on, replicas_serving=serving, utilisation=used)


def share_arriving_saturated(records: RunRecords) -> float:
    """Return the share of attempts that arrived in bins whose serving replicas were saturated."""
    table = over_time(records)
    if table is None or not table["arrived"].sum():
        return 0.0
    busy, serving = table["busy_replicas"], table["replicas_serving"]
    arrived = table["arrived"]
    return float(arrived[(serving > 0) & (busy > SATURATED * serving)].sum() / arrived.sum())
