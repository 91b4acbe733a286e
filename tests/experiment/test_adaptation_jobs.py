"""A sweep in which devices re-train, on one process and on two."""

import pandas as pd
from tiny_scenario import TINY

from experiment.scenario import from_mapping
from experiment.sweep import run_sweep
from workloads.progress import SILENT

ON_DEVICE = {"kind": "on_device", "every_interactions": 2}


def test_points_with_training_devices_are_the_same_bytes_on_two_processes(
    tmp_path, directories, monkeypatch
):
    monkeypatch.setenv("LSC_CACHE", str(directories.cache))
    monkeypatch.setattr(
        "analysis.report.write", lambda *_, **__: None
    )  # takes longer than the runs
    values = {
        **TINY,
        "workload": {**TINY["workload"], "devices": 20},
        "models": {**TINY["models"], "adaptation": ON_DEVICE},
        "sweep": {"policy.threshold": [0.3, 0.5]},
    }
    loaded = from_mapping(values, "tiny.yaml")
    for jobs in (1, 2):
        table = run_sweep(loaded, tmp_path / str(jobs), SILENT, jobs=jobs).table
        assert (table["adaptation.trainings"] > 0).all()
    for point in table["id"]:
        one, two = (tmp_path / jobs / "points" / point for jobs in ("1", "2"))
        files = sorted(path.name for path in one.glob("*.parquet"))
        assert {"interactions.parquet", "requests.parquet"} <= set(files)
        assert files == sorted(path.name for path in two.glob("*.parquet"))
        for file in files:
            assert (one / file).read_bytes() == (two / file).read_bytes()
        assert pd.read_parquet(one / "interactions.parquet")["parameters"].max() > 0
