"""A whole run whose devices retry in vain and then stop asking: what its files say of it."""

import pandas as pd
from tiny_scenario import TINY

from experiment.run import run_scenario
from experiment.scenario import from_mapping
from workloads.progress import SILENT

NEVER_SERVED = {
    "policy": {"kind": "always"},
    "cloud": {"service_time": {"kind": "fixed", "seconds": 1e6}, "queue_limit": 1000},
    "serving": {
        "timeout_s": 10.0,
        "retry": {"attempts": 2, "attempt_timeout_s": 1.0, "backoff_s": 0.5, "jitter": "none"},
        "circuit_breaker": {"failures": 1, "open_s": 1e6},
    },
}


def test_what_was_held_back_is_wanted_and_not_requested(tmp_path, directories):
    directory = tmp_path / "run"
    scenario = from_mapping({**TINY, **NEVER_SERVED}, "tiny.yaml").scenario
    summary = run_scenario(scenario, directory, SILENT, directories=directories)
    interactions = pd.read_parquet(directory / "interactions.parquet")
    requests = pd.read_parquet(directory / "requests.parquet")
    # Each device asks once, at its first step; nobody ever answers.
    assert (interactions["requested"] == (interactions["step"] == 0)).all()
    consulted = ~interactions["suppressed"]
    assert (interactions["wanted"] == consulted).all()
    assert summary["wanted_frequency"] == 1.0
    assert summary["request_frequency"] == 1 / interactions["step"].nunique()
    assert summary["requests"] == summary["outcomes"]["lost"] == len(requests)
    assert (requests["attempts"] == 2).all()
    assert (requests["retry_wait_s"] - 0.5).abs().max() < 1e-6
    assert (requests["answer"] == "nothing").all()
