"""How long requests took, by when they were sent."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.faults import Fault
from analysis.outcomes import answered
from analysis.records import RunRecords
from analysis.stored_columns import Columns
from analysis.timeline import bin_edges

#: With fewer requests than this a quantile says little, and none is given.
FEWEST = 20

#: Responses are as fast as before where the median over `WINDOW_S` is at most `WITHIN` x as long.
WITHIN = 1.1
WINDOW_S = 20.0

PARTS = ("to_cloud_s", "queue_s", "service_s", "to_device_s")
"""From sent to arrived in the cloud (attempts in vain included), to the start of service, to its
end, to received."""


def time_to_list_s(requests: Columns) -> NDArray[np.float64]:
    """Return sent to received of every request: infinite where it brought the device no list."""
    took_s = requests["received_s"].to_numpy(dtype=np.float64, na_value=np.nan)
    took_s = took_s - requests["sent_s"].to_numpy(dtype=np.float64)
    return np.where(answered(requests), took_s, math.inf)


def over_time(records: RunRecords) -> pd.DataFrame:
    """Return how long requests took, by the bin of simulated time in which they were sent.

    Quantiles count requests without a list as infinitely long, so that nothing looks fast because
    its slow requests failed. Intervals of the median are Woodruff's over users
    (`analysis.intervals.UserResamples.quantile`), of all bins on the same resamples.

    Returns:
        A row per bin: `start_s`, `end_s`, `requests`, `answered`, the time `p50_s` with its
        interval `ci95_low_s`, `ci95_high_s` and `p95_s` (NaN where so many have no list, or fewer
        than `FEWEST` were sent), and the means of `PARTS` over those answered (NaN where fewer
        than `FEWEST` were).
    """
    requests = records.requests
    # Coarser than other time lines where few were sent: quantiles need some.
    edges = bin_edges(records.simulated_s, max(4, min(80, len(requests) // (2 * FEWEST))))
    bins = len(edges) - 1
    sent_s = requests["sent_s"].to_numpy(dtype=np.float64)
    bin_of = np.clip(np.searchsorted(edges, sent_s, side="right") - 1, 0, bins - 1)
    took_s = time_to_list_s(requests)
    in_bin = _by_bin(took_s, bin_of, bins)
    p50_s, p95_s = (
        np.array([_quantile(own, probability) for own in in_bin]) for probability in (0.5, 0.95)
    )
    low, high = _interval(records, bin_of, took_s, p50_s, in_bin)
    in_time = np.isfinite(took_s)
    count = np.bincount(bin_of[in_time], minlength=bins)
    parts = {
        name: np.divide(
            np.bincount(bin_of[in_time], weights=part[in_time], minlength=bins),
            count,
            out=np.full(bins, np.nan),
            where=count >= FEWEST,
        )
        for name, part in zip(PARTS, parts_s(requests), strict=True)
    }
    return pd.DataFrame(
        {
            "start_s": edges[:-1],
            "end_s": edges[1:],
            "requests": np.bincount(bin_of, minlength=bins),
            "answered": count,
            "p50_s": _finite(p50_s),
            "ci95_low_s": _finite(low),
            "ci95_high_s": _finite(high),
            "p95_s": _finite(p95_s),
            **parts,
        }
    )


def recovery_s(records: RunRecords, fault: Fault) -> tuple[float, float]:
    """Return how long responses took before a fault, and how long until they are so again.

    They are so from the first request sent after the end of the fault on for which the median of
    all requests sent within `WINDOW_S` from it is at most `WITHIN` x that of the requests sent
    before the fault, in a time as long as the fault itself.

    Returns:
        The median before, NaN where too few were sent then; and the time from the fault's end to
        the sending of that request, NaN where too few were sent before or at all times after it,
        infinite where there is no such request.
    """
    sent_s = records.requests["sent_s"].to_numpy(dtype=np.float64)
    order = np.argsort(sent_s, kind="stable")
    sent_s, took_s = sent_s[order], time_to_list_s(records.requests)[order]
    lasted_s = fault.end_s - fault.start_s
    before = took_s[(sent_s >= fault.start_s - lasted_s) & (sent_s < fault.start_s)]
    before_s = _quantile(before, 0.5)
    if not math.isfinite(before_s):
        return math.nan, math.nan
    after = sent_s >= fault.end_s
    sent_s, took_s = sent_s[after], took_s[after]
    many, fast = _fast_windows(sent_s, took_s <= WITHIN * before_s)
    if fast.any():
        return before_s, float(sent_s[int(fast.argmax())] - fault.end_s)
    return before_s, math.inf if many.any() else math.nan


def _fast_windows(
    sent_s: NDArray[np.float64], fast: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell of the `WINDOW_S` from each request on: are there enough requests, and is half fast?

    A median that is one of the values is at most a bound where at least half of them are.

    Args:
        sent_s: float64, shape [requests]; ascending.
        fast: bool, shape [requests].

    Returns:
        Whether `FEWEST` are in each window; and whether at least half of so many are fast.
    """
    until = np.searchsorted(sent_s, sent_s + WINDOW_S)
    sent = until - np.arange(len(until))
    fast_before = np.concatenate([[0], np.cumsum(fast)])
    fast_inside = fast_before[until] - fast_before[:-1]
    many = sent >= FEWEST
    return many, many & (2 * fast_inside >= sent)


def parts_s(requests: Columns) -> list[NDArray[np.float64]]:
    """Return each of `PARTS` of every request, NaN where it never came."""
    names = ("sent_s", "arrived_cloud_s", "service_start_s", "service_end_s", "received_s")
    times = [np.asarray(requests[name].to_numpy(np.float64, na_value=np.nan)) for name in names]
    return [later - earlier for earlier, later in pairwise(times)]


def _by_bin(
    values: NDArray[np.float64], bin_of: NDArray[np.int64], bins: int
) -> list[NDArray[np.float64]]:
    """Return the values in each bin, in their order."""
    order = np.argsort(bin_of.astype(np.int16), kind="stable")
    return np.split(values[order], np.cumsum(np.bincount(bin_of, minlength=bins))[:-1])


def _interval(
    records: RunRecords,
    bin_of: NDArray[np.int64],
    took_s: NDArray[np.float64],
    p50_s: NDArray[np.float64],
    in_bin: list[NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shape = len(records.users), len(p50_s)
    cell = records.request_user_row * shape[1] + bin_of
    size = shape[0] * shape[1]
    count = np.bincount(cell, minlength=size).reshape(shape).astype(np.float64)
    below = took_s <= p50_s[bin_of]
    share = records.resamples.ratios(
        np.bincount(cell[below], minlength=size).reshape(shape).astype(np.float64), count
    )
    low, high = np.full(len(p50_s), np.nan), np.full(len(p50_s), np.nan)
    for each, estimate in enumerate(share.estimates()):
        if estimate.low is None or estimate.high is None or not math.isfinite(p50_s[each]):
            continue
        low[each], high[each] = (
            _quantile(in_bin[each], min(max(end - estimate.value + 0.5, 0.0), 1.0))
            for end in (estimate.low, estimate.high)
        )
    return low, high


def _quantile(values: NDArray[np.float64], probability: float) -> float:
    """Return a quantile that is one of the values: infinite ones leave nothing to interpolate."""
    if len(values) < FEWEST:
        return math.nan
    return float(np.quantile(values, probability, method="inverted_cdf"))


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isfinite(values), values, np.nan)
