"""A small sweep of models on constructed records, for tests of ablations.

Users have the ranks that a test gives, so that every mean can be worked out by hand.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from analysis import accuracy
from analysis.records import COLUMNS

USERS = 40
STEPS = 2

#: The rank that each baseline gives to everything, where a point says nothing else; 0 is a miss.
BASELINES = {
    "popularity": 0,
    "srm_full": 4,
    "llm_full": 9,
    "srm_only": 3,
    "llm_only": 5,
    "never": 8,
    "always": 2,
    "always_ideal": 1,
}


@dataclass(frozen=True)
class Point:
    """A point: its swept values, and the rank that it gives to what even and odd users took.

    `adapted` counts interactions with re-trained weights, nan where none are re-trained;
    `unscored` users have phones that score no list.
    """

    values: Mapping[str, Any]
    rank: tuple[int, int]
    fusion: int | str = 3
    dataset: str = "synthetic"
    users: Sequence[int] = range(USERS)
    baselines: Mapping[str, int] = field(default_factory=dict)
    adapted: float = math.nan
    unscored: int = 0


def write(directory: Path, points: Sequence[Point], sweep: Mapping[str, Any] | None = None) -> Path:
    """Write a sweep of these points; `sweep` is the block of its scenario."""
    rows = []
    for number, point in enumerate(points):
        name = f"p{number:02}"
        run = directory / "points" / name
        run.mkdir(parents=True)
        user = np.repeat(np.asarray(point.users), STEPS)
        ranks = {"run": np.where(user % 2, point.rank[1], point.rank[0])}
        for series, rank in {**BASELINES, **point.baselines}.items():
            ranks[series] = np.full(len(user), rank)
        frame = accuracy.by_user(user, ranks)
        frame.to_parquet(run / "accuracy_by_user.parquet", index=False)
        kept = user < point.unscored
        interactions = pd.DataFrame(0, range(len(user)), COLUMNS["interactions.parquet"].split())
        interactions = interactions.assign(user=user, ranked_by=np.where(kept, "llm", "fusion"))
        interactions.to_parquet(run / "interactions.parquet", index=False)
        accuracies = accuracy.Accuracies(frame)
        scenario = {
            "name": "constructed",
            "workload": {"dataset": point.dataset},
            "models": {"fusion": point.fusion},
            "policy": {"kind": "always"},
        }
        (run / "scenario.yaml").write_text(yaml.safe_dump(scenario))
        (run / "manifest.json").write_text(json.dumps(_manifest(point)))
        rows.append({"id": name, **point.values, **_summary(point, accuracies, len(user))})
    table = pd.DataFrame(rows)
    table.to_parquet(directory / "sweep.parquet", index=False)
    if sweep is not None:
        text = yaml.safe_dump({"name": "constructed", "description": "", "sweep": dict(sweep)})
        (directory / "scenario.yaml").write_text(text)
    return directory


def _summary(point: Point, accuracies: accuracy.Accuracies, interactions: int) -> dict[str, Any]:
    estimate = accuracies.mean("run")
    return {
        "scenario": "constructed",
        "interactions": interactions,
        "users": accuracies.users,
        "devices": accuracies.users,
        "request_frequency": 1.0,
        "accuracy.ndcg@10.mean": estimate.value,
        "accuracy.ndcg@10.ci95.low": estimate.low,
        "accuracy.ndcg@10.ci95.high": estimate.high,
        "list_age_steps.mean": 1.0,
        "adaptation.adapted_interactions": point.adapted,
        "engine.events": 1,
    }


def _manifest(point: Point) -> dict[str, Any]:
    return {
        "command_line": ["run_sim.py", "s.yaml", "--set", "models.seed=3", "--seed", "7"],
        "models": {
            "srm": {"kind": "sasrec", "parameters": 1000},
            "llm": {"kind": "causal_lm", "parameters": 9000},
        },
        "workload": {
            "name": point.dataset,
            "users": USERS,
            "items": 100,
            "interactions": 500,
            "split_description": "The last 2 interactions of each user are replayed.",
        },
    }
