"""A small sweep of calibrated policies that keeps the output contract, for tests of its report.

It is no simulation: how likely a hit is follows from how often a policy asks, by a curve that each
series has of its own; all points share their draws, as policies under one seed do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from run_directory import Case, write_run

from analysis import accuracy
from analysis.summary import flatten

TARGETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
NEVER, ALWAYS, BOUND = 0.25, 0.60, 0.80


@dataclass(frozen=True)
class Series:
    """A policy: `bend` is 1 where accuracy grows with requests as at random, less where faster."""

    kind: str
    bend: float = 1.0
    highest: float = 1.0
    bound: bool = False


SERIES = {
    "random": Series("random"),
    "periodic": Series("periodic", 0.85),
    "age and consistency": Series("age_and_consistency", 0.45),
    "consistency": Series("consistency", 1.0, highest=0.6),
    "hindsight": Series("hindsight", 0.2, bound=True),
}


def write_shootout(
    directory: Path,
    series: Mapping[str, Series] = SERIES,
    targets: Sequence[float] = TARGETS,
    seeds: int = 2,
    presets: Sequence[str] = (),
    users: int = 60,
) -> Path:
    """Write a sweep of every series at every target and seed, on every network preset."""
    template = write_run(directory / ".template", Case(users=users, devices=2 * users))
    rows = [
        _write_point(directory, template, name, each, target, seed, preset)
        for preset in presets or ("",)
        for name, each in series.items()
        for target in targets
        for seed in range(seeds)
    ]
    pd.DataFrame(rows).to_parquet(directory / "sweep.parquet", index=False)
    return directory


def _write_point(
    directory: Path,
    template: Path,
    name: str,
    series: Series,
    target: float,
    seed: int,
    preset: str,
) -> dict[str, object]:
    point = "-".join([name.replace(" ", "_"), f"{target:g}", str(seed), preset or "3g"])
    home = directory / "points" / point
    home.mkdir(parents=True)
    interactions = pd.read_parquet(template / "interactions.parquet")
    wanted = min(target, series.highest)
    rng = np.random.default_rng([seed, 29])
    draw, asks = rng.random(len(interactions)), rng.random(len(interactions))
    requested = asks < wanted
    frequency = float(requested.mean())
    worse = 0.08 if preset == "edge" else 0.0
    top = BOUND if series.bound else ALWAYS
    chance = {
        "run": NEVER + (top - NEVER) * frequency**series.bend,
        "never": NEVER,
        "always": ALWAYS,
        "always_ideal": ALWAYS + 0.03,
        "srm_full": 0.3,
        "popularity": 0.08,
    }
    position = np.minimum(np.random.default_rng([seed, 31]).geometric(0.12, len(draw)), 50)
    series_ranks = {
        key: np.where(draw < each - worse, position, 0).astype(np.int64)
        for key, each in chance.items()
    }
    by_user = accuracy.by_user(interactions["user"].to_numpy(), series_ranks)
    by_user.to_parquet(home / "accuracy_by_user.parquet", index=False)
    interactions.assign(requested=requested).to_parquet(home / "interactions.parquet", index=False)
    (home / "manifest.json").write_text((template / "manifest.json").read_text())
    scenario = yaml.safe_load((template / "scenario.yaml").read_text())
    scenario["policy"] = {"kind": series.kind, "target_frequency": target}
    (home / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    worlds = json.loads((template / "baseline_worlds.json").read_text())
    for world, asked in (("never", 0.0), ("always", 1.0)):
        worlds[world]["request_frequency"] = asked
    (home / "baseline_worlds.json").write_text(json.dumps(worlds))
    block = json.loads((template / "summary.json").read_text())
    return {
        "id": point,
        "policy": {"kind": series.kind, "measure": name},
        "policy.target_frequency": target,
        **({"network.preset": preset} if preset else {}),
        "seed": seed,
        **flatten(_summary(block, by_user, frequency, name, series, target)),
    }


def _summary(
    block: dict, by_user: pd.DataFrame, frequency: float, name: str, series: Series, target: float
) -> dict[str, object]:
    """Return a summary whose costs grow with how often the policy asks."""
    accuracies = accuracy.Accuracies(by_user)
    mean = accuracies.mean("run")
    block["accuracy"]["ndcg@10"] = {"mean": mean.value, "ci95": [mean.low, mean.high]}
    for world in ("never", "always"):
        block["baselines"][world]["ndcg@10"]["mean"] = accuracies.mean(world).value
    block["request_frequency"] = frequency
    block["energy_j"]["per_device"] = 10 + 50 * frequency
    block["response_s"]["p50"] = 1 + frequency
    block["bytes"] = {"up": round(1e6 * frequency), "down": round(2e6 * frequency)}
    block["request_policy"] = {
        "series": name,
        "kind": series.kind,
        "parameter": "probability",
        "value": None,
        "target_frequency": target,
        "calibrated": [0.1, 0.2],
        "reached": target <= series.highest,
        "bound": series.bound,
    }
    return block
