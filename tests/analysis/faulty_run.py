"""A constructed run to which things happen: an outage, retries, batteries, coverage, traffic."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from run_directory import write_run

OUTAGE = {"start_s": 150.0, "duration_s": 60.0, "behaviour": "refuse", "work": "lost"}
CRASH = {"at_s": 300.0, "replica": 0, "down_s": float("inf"), "work": "retried"}
BATTERY = {"saver_below": 0.2, "saver_every": 3, "stop_below": 0.05}


def write_faulty_run(directory: Path) -> Path:
    """Write a run whose requests of the outage are lost after three attempts each."""
    write_run(directory)
    change_json(directory / "scenario.yaml", faults={"outages": [OUTAGE], "crashes": [CRASH]})
    change_json(directory / "scenario.yaml", devices={"battery": BATTERY})
    requests = pd.read_parquet(directory / "requests.parquet")
    during = requests["sent_s"].between(150.0, 210.0, inclusive="left")
    requests["outcome"] = requests["outcome"].astype(str).mask(during, "lost")
    requests.loc[during, ["service_start_s", "service_end_s", "received_s"]] = float("nan")
    requests.loc[during, "attempts"] = 3
    requests.to_parquet(directory / "requests.parquet")
    load = pd.read_parquet(directory / "cloud_load.parquet")
    load["failed"] = 3 * load["start_s"].between(150.0, 209.9)
    load.to_parquet(directory / "cloud_load.parquet")
    cloud = {
        "time_s": [0.0, 150.0, 210.0, 300.0],
        "replicas_on": [1, 1, 1, 1],
        "replicas_serving": [1, 1, 1, 0],
        "outage": [False, True, False, False],
    }
    pd.DataFrame(cloud).to_parquet(directory / "cloud.parquet")
    coverage = {
        "time_s": [0.0, 0.0, 200.0, 200.0],
        "regime": pd.Categorical(["4g", "none", "4g", "none"], ["4g", "none"]),
        "devices": [90, 0, 60, 30],
    }
    pd.DataFrame(coverage).to_parquet(directory / "coverage.parquet")
    interactions = pd.read_parquet(directory / "interactions.parquet")
    # A third of the devices ends below the stop floor, another third below the saver floor.
    interactions["battery_share"] = (interactions["device"] % 3).map({0: 0.02, 1: 0.1, 2: 0.9})
    own_order = (interactions["battery_share"] < 0.05) | (
        (interactions["battery_share"] < 0.2) & (interactions["step"] % 3 > 0)
    )
    interactions["ranked_by"] = own_order.map({True: "llm", False: "fusion"})
    interactions.to_parquet(directory / "interactions.parquet")
    flow = {"received_bytes": 900, "lost_bytes": 60, "in_flight_bytes": 40}
    up = {"sent_bytes": 1000, "retransmitted_bytes": 60, **flow}
    summary = json.loads((directory / "summary.json").read_text())
    bytes_sent = {**summary["bytes"], "up": 700, "down": 900}
    change_json(
        directory / "summary.json",
        traffic={"up": up, "down": {**up, "retransmitted_bytes": 0}},
        bytes=bytes_sent,
    )
    return directory


def change_json(path: Path, **values: Any) -> None:
    """Give keys of a file other values; JSON is YAML too."""
    content = yaml.safe_load(path.read_text()) | values
    text = json.dumps(content) if path.suffix == ".json" else yaml.safe_dump(content)
    path.write_text(text)
