"""Requests as rows of `requests.parquet`."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiment.columns import categories
from sim.client.request import Answer, Outcome
from sim.records.requests import RequestRecords

OUTCOME_NAMES = [outcome.name.lower() for outcome in Outcome]
ANSWER_NAMES = [answer.name.lower() for answer in Answer]


def requests_frame(records: RequestRecords) -> pd.DataFrame:
    """Return a row for each request, by device and step; times that never came are NaN."""

    def time(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(np.isfinite(time_s), time_s, np.nan)

    return pd.DataFrame(
        {
            "device": records.device,
            "step": records.step,
            "sent_s": records.sent_s,
            "arrived_cloud_s": time(records.arrived_cloud_s),
            "service_start_s": time(records.service_start_s),
            "service_end_s": time(records.service_end_s),
            "received_s": time(records.received_s),
            "bytes_up": records.bytes_up.astype(np.int64, copy=False),
            "bytes_down": records.bytes_down.astype(np.int64, copy=False),
            "batch_size": records.batch_size,
            "attempts": records.attempts,
            "retry_wait_s": records.retry_wait_s.astype(np.float64, copy=False),
            "answer": categories(records.answer, ANSWER_NAMES),
            "outcome": categories(records.outcome, OUTCOME_NAMES),
        },
        copy=False,
    )
