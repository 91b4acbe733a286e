"""Queue, utilisation and outcomes over time: against a sampling of the same requests."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.summary import OUTCOMES
from analysis.timeline import bin_edges, cloud_over_time, outcomes_over_time


def requests_by_hand() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sent_s": [0.0, 1.0, 9.0, 12.0],
            "arrived_cloud_s": [1.0, 2.0, 10.0, 13.0],
            "service_start_s": [4.0, 4.0, math.nan, 14.0],
            "service_end_s": [8.0, 8.0, math.nan, math.nan],
            "batch_size": [2, 2, 0, 1],
            "outcome": ["delivered", "timed_out", "rejected", "in_flight"],
        }
    )


def test_by_hand() -> None:
    table = cloud_over_time(requests_by_hand(), simulated_s=16.0, replicas=2)
    width = table["end_s"] - table["start_s"]
    assert (table["queue_length"] * width).sum() == pytest.approx(3 + 2 + 1)
    assert (table["utilisation"] * width * 2).sum() == pytest.approx(4 + 2)
    at = table.set_index("start_s")
    assert at.loc[3.0, "queue_length"] == 2
    assert at.loc[5.0, "utilisation"] == 0.5
    assert at.loc[11.0, "queue_length"] == 0


def test_equals_sampling() -> None:
    rng = np.random.default_rng(2)
    arrived = rng.uniform(0, 900, 300)
    start = arrived + rng.exponential(20, 300)
    size = rng.integers(1, 5, 300)
    requests = pd.DataFrame(
        {
            "sent_s": arrived - 0.5,
            "arrived_cloud_s": arrived,
            "service_start_s": start,
            "service_end_s": start + rng.exponential(10, 300),
            "batch_size": size,
            "outcome": "delivered",
        }
    )
    table = cloud_over_time(requests, simulated_s=1000.0, replicas=7)
    time = (np.arange(200_000) + 0.5) / 200.0
    waiting = np.zeros(len(time))
    busy = np.zeros(len(time))
    for row in requests.itertuples():
        waiting += (time >= row.arrived_cloud_s) & (time < row.service_start_s)
        busy += ((time >= row.service_start_s) & (time < row.service_end_s)) / row.batch_size
    bin_of = np.searchsorted(table["end_s"], time, side="right")
    count = np.bincount(bin_of)
    sampled = np.bincount(bin_of, weights=waiting) / count
    np.testing.assert_allclose(table["queue_length"], sampled, atol=0.02)
    np.testing.assert_allclose(
        table["utilisation"], np.bincount(bin_of, weights=busy) / count / 7, atol=0.005
    )


@pytest.mark.parametrize("simulated_s", [0.03, 7.0, 61.3, 3599.0, 5e6])
def test_bins_cover_the_run(simulated_s: float) -> None:
    edges = bin_edges(simulated_s)
    assert edges[0] == 0
    assert edges[-1] == simulated_s
    assert len(edges) <= 82
    assert np.all(np.diff(edges) > 0)


def test_every_request_is_counted_once() -> None:
    table = outcomes_over_time(requests_by_hand(), simulated_s=16.0)
    assert table[list(OUTCOMES)].to_numpy().sum() == 4
    assert table["rejected"].sum() == 1
