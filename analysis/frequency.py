"""How often devices asked and how long they waited for an answer, with intervals over users."""

import numpy as np

from analysis.intervals import Estimate
from analysis.outcomes import answered
from analysis.records import RunRecords
from analysis.response_times import response_s


def of_requests(records: RunRecords) -> Estimate:
    """Estimate the request frequency: requests / interactions."""
    users = len(records.users)
    asked = np.bincount(records.request_user_row, minlength=users).astype(np.float64)
    could = np.bincount(records.interaction_user_row, minlength=users).astype(np.float64)
    return records.resamples.ratios(asked[:, None], could[:, None]).estimate(0)


def median_response_s(records: RunRecords) -> Estimate:
    """Estimate the median response time, in seconds; NaN where nothing was answered."""
    values = response_s(records.requests)
    return records.resamples.quantile(
        values, records.request_user_row[answered(records.requests)], 0.5
    )
