"""What a run's files say of its cloud."""

import numpy as np
import pandas as pd

from analysis import timeline
from analysis.summary import CloudCapacity
from sim.cloud.records import CloudRecords
from sim.cloud.settings import CloudSettings


def cloud_capacity(settings: CloudSettings, records: CloudRecords) -> CloudCapacity:
    """Return what the cloud's replicas did, for the summary."""
    busy_w = settings.busy_w
    return CloudCapacity(
        simulated_s=records.horizon_s,
        price_usd_per_accelerator_hour=settings.price_usd_per_accelerator_hour,
        on_s=float(records.on_s.sum()),
        busy_s=float(records.busy_s.sum()),
        starting_s=float(records.starting_s.sum()),
        failed_s=float(records.failed_s.sum()),
        replicas_max=records.replicas_max,
        batch_size_mean=records.load.batch_size_mean(settings.batching.changes_batches),
        energy_j=None if busy_w is None else records.energy_j(busy_w, settings.idle_w(busy_w)),
        attempts={
            "arrived": records.arrived,
            **{end.name.lower(): count for end, count in records.ends.items()},
            "unfinished": records.unfinished,
        },
        prompt_tokens=records.prompt_tokens,
        cached_tokens=records.cached_tokens,
        queue_waits_s=records.load.waited_s,
    )


def cloud_frame(records: CloudRecords) -> pd.DataFrame:
    """Return a row for each time at which the cloud changed: it stands so until the next one.

    Returns:
        Columns `time_s`, `replicas_on` (and paid for), `replicas_serving`, `outage`; the first row
        is at 0.
    """
    changes = records.changes
    return pd.DataFrame(
        {
            "time_s": np.array([change.time_s for change in changes], np.float64),
            "replicas_on": np.array([change.on for change in changes], np.int32),
            "replicas_serving": np.array([change.serving for change in changes], np.int32),
            "outage": np.array([change.outage for change in changes], np.bool_),
        }
    )


def cloud_load_frame(records: CloudRecords) -> pd.DataFrame:
    """Return a row for each bin of simulated time: `analysis.timeline.cloud_over_time`."""
    load = records.load
    works = load.work_start_s, load.work_end_s, load.work_requests
    return timeline.cloud_over_time(load.arrived_s, load.ended_s, works, records.horizon_s)
