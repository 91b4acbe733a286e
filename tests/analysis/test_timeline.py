"""What goes on in the cloud, and outcomes, over time: by hand, and against a sampling."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.outcomes import OUTCOMES
from analysis.timeline import bin_edges, cloud_over_time, mean_over_time, outcomes_over_time


def requests_by_hand() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sent_s": [0.0, 1.0, 9.0, 12.0],
            "attempts": [1, 3, 1, 1],
            "outcome": ["delivered", "timed_out", "rejected", "in_flight"],
        }
    )


def test_by_hand() -> None:
    """Two attempts wait for 3 and 2 s and are served together; one is turned away, one waits 1 s.

    The last one is lost by a crash, waits again for 1 s, and is still in service at the end.
    """
    table = cloud_over_time(
        arrived_s=np.array([1.0, 2.0, 10.0, 11.0]),
        ended_s={"served": np.array([8.0, 8.0]), "rejected": np.array([10.0])},
        works=(np.array([4.0, 12.0, 14.0]), np.array([8.0, 13.0, 16.0]), np.array([2, 1, 1])),
        simulated_s=16.0,
    )
    width = table["end_s"] - table["start_s"]
    assert (table["waiting"] * width).sum() == pytest.approx(3 + 2 + 1 + 1)
    assert (table["busy_replicas"] * width).sum() == pytest.approx(4 + 1 + 2)
    at = table.set_index("start_s")
    assert at.loc[3.0, "waiting"] == 2
    assert at.loc[5.0, "busy_replicas"] == 1
    assert at.loc[10.0, "waiting"] == 0
    assert at.loc[13.0, "waiting"] == 1
    assert at.loc[10.0, ["arrived", "rejected", "served"]].tolist() == [1, 1, 0]
    assert table[["arrived", "served", "rejected"]].sum().tolist() == [4, 2, 1]


def test_equals_sampling() -> None:
    rng = np.random.default_rng(2)
    arrived = np.sort(rng.uniform(0, 900, 300))
    start = arrived + rng.exponential(20, 300)
    end = start + rng.exponential(10, 300)
    horizon_s = 1000.0
    ended, begun = np.sort(end[end <= horizon_s]), start <= horizon_s
    works = (start[begun], np.minimum(end[begun], horizon_s), np.ones(begun.sum(), np.int64))
    table = cloud_over_time(arrived, {"served": ended}, works, horizon_s)
    time = (np.arange(200_000) + 0.5) / 200.0
    waiting, busy = np.zeros(len(time)), np.zeros(len(time))
    for came, began, left in zip(arrived, start, end, strict=True):
        waiting += (time >= came) & (time < began)
        busy += (time >= began) & (time < left)
    bin_of = np.searchsorted(table["end_s"], time, side="right")
    count = np.bincount(bin_of)
    np.testing.assert_allclose(
        table["waiting"], np.bincount(bin_of, weights=waiting) / count, atol=0.02
    )
    np.testing.assert_allclose(
        table["busy_replicas"], np.bincount(bin_of, weights=busy) / count, atol=0.02
    )


def test_means_of_steps() -> None:
    edges = np.array([0.0, 4.0, 8.0, 10.0])
    mean = mean_over_time(np.array([0.0, 3.0, 8.0]), np.array([2, 6, 1]), edges)
    assert mean.tolist() == [3.0, 6.0, 1.0]


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
    at = table.set_index("start_s")["attempts_mean"]
    assert (at[0.0], at[1.0], at[9.0]) == (1, 3, 1)
    assert math.isnan(at[5.0])
