"""`summary.json`: its keys, its arithmetic, and what is written where there is nothing."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_directory import Case, write_run

from analysis import summary
from analysis.accuracy import by_user
from analysis.metrics import METRICS
from analysis.record_totals import RecordTotals

TOP_KEYS = (
    "scenario seed devices users interactions requests request_frequency wanted_frequency accuracy "
    "baselines outcomes response_s time_to_use_s display_wait_s list_age_steps list_age_s bytes "
    "energy_j cloud engine"
)


def hand_made() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two devices, three steps: one request used at step 2, one rejected, two batched together."""
    interactions = pd.DataFrame(
        {
            "device": [0, 0, 0, 1, 1, 1],
            "user": [4, 4, 4, 9, 9, 9],
            "step": [0, 1, 2, 0, 1, 2],
            "decision_s": [10.0, 30.0, 50.0, 10.0, 20.0, 90.0],
            "shown_s": [10.0, 30.5, 50.0, 10.0, 20.0, 90.0],
            "list_source": ["stale"] * 6,
            "list_age_steps": pd.array([1, 2, 2, None, None, 1], dtype="Int16"),
            "list_age_s": [math.nan, math.nan, 36.0, math.nan, math.nan, 67.0],
            "wanted": [True, False, True, False, True, False],
            "suppressed": [False, True, False, False, False, False],
            "rank": pd.array([1, None, 3, 2, 1, None], dtype="Int16"),
        }
    )
    requests = pd.DataFrame(
        {
            "device": [0, 0, 1],
            "step": [0, 2, 1],
            "sent_s": [10.0, 50.0, 20.0],
            "arrived_cloud_s": [12.0, 51.0, 21.0],
            "service_start_s": [22.0, math.nan, 22.0],
            "service_end_s": [24.0, math.nan, 24.0],
            "received_s": [26.0, math.nan, 25.0],
            "bytes_up": [304, 308, 304],
            "bytes_down": pd.array([700, None, 700], dtype="Int64"),
            "batch_size": pd.array([2, None, 2], dtype="Int32"),
            "attempts": [1, 1, 1],
            "outcome": ["delivered", "rejected", "delivered"],
        }
    )
    return interactions, requests


def summarised(interactions: pd.DataFrame, requests: pd.DataFrame) -> dict:
    rank = interactions["rank"].fillna(0).to_numpy(dtype=int)
    waits_s = (requests["service_start_s"] - requests["arrived_cloud_s"]).dropna()
    return summary.summarise(
        scenario="by hand",
        seed=3,
        records=RecordTotals().add(interactions, requests),
        accuracy_by_user=by_user(interactions["user"].to_numpy(), {"run": rank, "never": rank}),
        energy=summary.Energy(compute_j=6.0, radio_j=2.0),
        cloud=summary.CloudCapacity(
            simulated_s=100.0,
            price_usd_per_accelerator_hour=3.6,
            on_s=160.0,
            busy_s=2.0,
            starting_s=10.0,
            failed_s=5.0,
            replicas_max=2,
            batch_size_mean=1.5,
            energy_j=40.0,
            attempts={"arrived": 3, "served": 2, "rejected": 1},
            prompt_tokens=1024,
            cached_tokens=24,
            queue_waits_s=waits_s.to_numpy(),
        ),
        engine={"events": 12, "cached": True},
    )


def test_hand_computed_summary() -> None:
    block = summarised(*hand_made())
    assert (block["devices"], block["users"], block["interactions"]) == (2, 2, 6)
    assert (block["requests"], block["request_frequency"]) == (3, 0.5)
    assert block["wanted_frequency"] == 3 / 5
    assert block["accuracy"]["hr@1"] == {"mean": 2 / 6, "ci95": None}
    assert block["accuracy"]["mrr"]["mean"] == pytest.approx((1 + 1 / 3 + 1 / 2 + 1) / 6)
    assert block["outcomes"] == {
        "delivered": 2, "timed_out": 0, "rejected": 1, "lost": 0, "superseded": 0, "in_flight": 0
    }  # fmt: skip
    assert block["response_s"]["mean"] == (16.0 + 5.0) / 2
    assert block["response_s"]["p50"] == 10.5
    assert block["response_s"]["p95"] == pytest.approx(5 + 0.95 * 11)
    # Device 0's list (basis 0) is first shown at step 2; device 1's (basis 1) at step 2.
    assert block["time_to_use_s"]["mean"] == ((50 - 10) + (90 - 20)) / 2
    assert block["display_wait_s"]["mean"] == pytest.approx(0.5 / 6)
    assert block["list_age_steps"]["mean"] == 6 / 4
    assert block["list_age_s"]["p99"] == pytest.approx(36 + 0.99 * 31)
    assert block["bytes"] == {"up": 916, "down": 1400}
    assert block["energy_j"] == {
        "compute": 6.0,
        "radio": 2.0,
        "total": 8.0,
        "per_device": 4.0,
        "idle": None,
    }
    assert block["cloud"] == {
        "utilisation": 2.0 / 160.0,
        "queue_wait_s": {"mean": 5.5, "p95": pytest.approx(1 + 0.95 * 9)},
        "batch_size_mean": 1.5,
        "service_s_total": 2.0,
        "accelerator_hours": 160 / 3600,
        "cost_usd": pytest.approx(0.16),
        "energy_j": 40.0,
        "replicas": {"mean": 1.6, "max": 2},
        "starting_s": 10.0,
        "failed_s": 5.0,
        "attempts": {"arrived": 3, "served": 2, "rejected": 1},
        "prompt_tokens": 1024,
        "cached_tokens": 24,
    }
    assert block["engine"] == {"events": 12, "cached": True}


def test_keys_are_the_contract_in_its_order() -> None:
    block = summarised(*hand_made())
    assert " ".join(block) == TOP_KEYS
    assert tuple(block["accuracy"]) == METRICS
    assert tuple(block["baselines"]) == summary.BASELINES
    assert block["baselines"]["never"] == block["accuracy"]
    assert block["baselines"]["always_ideal"] is None


def test_a_run_without_requests_has_nulls() -> None:
    interactions, requests = hand_made()
    for name in ("list_age_steps", "list_age_s"):
        interactions[name] = math.nan
    interactions["suppressed"] = True
    block = summarised(interactions, requests.iloc[:0])
    assert block["requests"] == block["request_frequency"] == sum(block["outcomes"].values()) == 0
    for name in ("wanted_frequency", "response_s", "time_to_use_s", "list_age_steps", "list_age_s"):
        assert block[name] is None
    assert block["bytes"] == {"up": 0, "down": 0}
    assert block["cloud"]["queue_wait_s"] is None
    assert "NaN" not in summary.to_json(block)


def test_preloaded_list_of_the_same_basis_is_not_a_use() -> None:
    interactions, requests = hand_made()
    interactions.loc[1, ["list_age_steps"]] = 1  # basis 0, preloaded: no age in seconds
    block = summarised(interactions, requests)
    assert block["time_to_use_s"]["mean"] == 55.0


def test_unknown_outcome_is_refused() -> None:
    interactions, requests = hand_made()
    requests.loc[0, "outcome"] = "mislaid"
    with pytest.raises(ValueError, match="mislaid"):
        summarised(interactions, requests)


def test_conservation_and_bytes_of_a_whole_run(run_dir: Path, tmp_path: Path) -> None:
    block = json.loads((run_dir / "summary.json").read_text())
    requests = pd.read_parquet(run_dir / "requests.parquet")
    assert sum(block["outcomes"].values()) == block["requests"] == len(requests)
    assert block["outcomes"]["delivered"] > 0
    assert block["time_to_use_s"]["p50"] >= block["response_s"]["p50"]
    low, high = block["accuracy"]["ndcg@10"]["ci95"]
    assert low <= block["accuracy"]["ndcg@10"]["mean"] <= high
    again = write_run(tmp_path / "again", Case())
    assert (again / "summary.json").read_bytes() == (run_dir / "summary.json").read_bytes()


def test_flat_rows_of_all_runs_have_the_same_columns() -> None:
    interactions, requests = hand_made()
    full = summary.flatten(summarised(interactions, requests))
    for name in ("list_age_steps", "list_age_s"):
        interactions[name] = math.nan
    empty = summary.flatten(summarised(interactions, requests.iloc[:0]))
    assert list(full) == list(empty)
    assert full["accuracy.ndcg@10.mean"] > 0
    assert np.isnan(full["accuracy.ndcg@10.ci95.low"])
    assert np.isnan(empty["response_s.p50"])
    assert full["cloud.queue_wait_s.p95"] > 0
